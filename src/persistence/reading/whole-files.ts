/**
 * Which of many snapshots and backups are whole, found by threads: reading, hashing and parsing thousands of files is work
 * for every core. A thread answers with those that are; every other file is looked at by the caller, who also says what is
 * wrong with it. Where there are no threads, that is each of them.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Compression } from "../layout.js";

export interface FileToCheck {
  readonly path: string;
  readonly conversationId: string;
  readonly compression: Compression;
}

/** Paths of those that are whole; undefined where threads are not worth it, or cannot be had. */
export type FindWholeFiles = (files: readonly FileToCheck[], onProgress: (done: number) => void) => Promise<ReadonlySet<string> | undefined>;

export type FromThread = { readonly done: number } | { readonly whole: readonly string[] };

/** A thread costs some tens of milliseconds to start. */
const WORTHWHILE = 400;
const MAX_THREADS = 4;

function check(files: readonly FileToCheck[], onProgress: (more: number) => void): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./whole-files-thread.js", import.meta.url), { workerData: files });
    worker.on("message", (message: FromThread) => {
      if ("done" in message) onProgress(message.done);
      else {
        resolve(message.whole);
        void worker.terminate();
      }
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      reject(new Error("a thread ended without a word"));
    });
  });
}

export const findWholeFiles: FindWholeFiles = async (files, onProgress) => {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  if (files.length < WORTHWHILE || threads < 2) return undefined;
  let done = 0;
  const count = (more: number): void => {
    onProgress((done += more));
  };
  try {
    const parts = Array.from({ length: threads }, (_, thread) => files.filter((_file, index) => index % threads === thread));
    return new Set((await Promise.all(parts.map((part) => check(part, count)))).flat());
  } catch {
    return undefined;
  }
};
