/** Makes the file storage of this machine. */
import { getBuiltinModule } from "node:process";
import { FileStorage } from "./file-storage.js";
import { nodeFileSystem } from "./fs/node-file-system.js";
import { SystemProcessTable } from "./process-table.js";
import type { RetryPolicy } from "./retry.js";
import { RetryingFileSystem } from "./retrying-file-system.js";
import { realDirectory } from "./same-directory.js";
import type { Storage } from "./storage.js";
import { watchDirectory } from "./watch.js";

export interface LocalStorageOptions {
  readonly stateDir: string;
  readonly backupDir: string;
  readonly command: string;
  /** How often what can pass is tried again; once where it is left out. */
  readonly retry?: RetryPolicy;
  /** Of a fallback: where its directory is missing there is nothing in it, and it may be made anew. */
  readonly mayBeRemoved?: boolean;
  /** Asked before the first directory is made; rejects where the store is not to be used. */
  readonly admit?: (storage: Storage) => Promise<void>;
}

/** Letters and digits, unique enough never to repeat. */
export function uniqueName(): string {
  return getBuiltinModule("node:crypto").randomBytes(8).toString("hex");
}

/** One of this process, which is what a process is: its storages know of each other's locks. */
const processes = new SystemProcessTable();

export function createLocalStorage({ retry, ...options }: LocalStorageOptions): Storage {
  return new FileStorage({
    ...options,
    fs: retry === undefined ? nodeFileSystem : new RetryingFileSystem(nodeFileSystem, retry),
    processes,
    randomName: uniqueName,
    watch: watchDirectory,
    realDirectory,
    keepOutOfGit: true,
    ownsBackups: true,
  });
}
