/** Makes the file storage of this machine. */
import { randomBytes } from "node:crypto";
import { FileStorage } from "./file-storage.js";
import { nodeFileSystem } from "./fs.js";
import { SystemProcessTable } from "./process-table.js";
import type { Storage } from "./storage.js";
import { watchDirectory } from "./watch.js";

export interface LocalStorageOptions {
  readonly stateDir: string;
  readonly backupDir: string;
  readonly command: string;
}

/** Letters and digits, unique enough never to repeat. */
export function uniqueName(): string {
  return randomBytes(8).toString("hex");
}

export function createLocalStorage(options: LocalStorageOptions): Storage {
  return new FileStorage({
    ...options,
    fs: nodeFileSystem,
    processes: new SystemProcessTable(),
    randomName: uniqueName,
    watch: watchDirectory,
  });
}
