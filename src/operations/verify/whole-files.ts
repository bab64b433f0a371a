/**
 * Which of many snapshots and backups are whole, found by threads: reading, hashing and parsing thousands of files is work
 * for every core. Every other file is looked at by the caller, who also says what is wrong with it.
 */
import type { Compression } from "../../store/names.js";
import { inThreads } from "../workers.js";

export interface FileToCheck {
  readonly path: string;
  readonly conversationId: string;
  readonly compression: Compression;
}

/** Paths of those that are whole; undefined where there are no threads to tell. */
export type FindWholeFiles = (
  files: readonly FileToCheck[],
  onProgress: (done: number) => void,
) => Promise<ReadonlySet<string> | undefined>;

export const findWholeFiles: FindWholeFiles = async (files, onProgress) => {
  const whole = await inThreads<FileToCheck, readonly string[]>(
    new URL("./whole-files-thread.js", import.meta.url),
    files,
    (share) => share,
    onProgress,
  );
  return whole === undefined ? undefined : new Set(whole.flat());
};
