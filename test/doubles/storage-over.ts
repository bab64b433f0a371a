/** A `FileStorage` over a double, with names that count up, so that a failing run can be repeated exactly. */
import { join } from "node:path";
import { FileStorage, type FileStorageOptions } from "../../src/storage/file-storage.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { LockClock } from "../../src/storage/held-lock.js";
import type { ProcessTable } from "../../src/storage/process-table.js";
import { ProcessWorld } from "./process-world.js";

const ROOT = "/store";
export const STATE_DIR = join(ROOT, "state");
export const BACKUP_DIR = join(ROOT, "backup");

export interface StorageOverOptions {
  readonly root?: string;
  readonly clock?: LockClock;
  readonly keepOutOfGit?: boolean;
  readonly ownsBackups?: boolean;
  /** Tells of nothing where left out. */
  readonly watch?: FileStorageOptions["watch"];
}

export function lockPath(name: string, stateDir = STATE_DIR): string {
  return join(stateDir, ".draftstate", "locks", `${name}.lock`);
}

export function storageOver(
  fs: FileSystem,
  processes: ProcessTable = new ProcessWorld().table(1),
  prefix = "n",
  {
    root = ROOT,
    clock,
    keepOutOfGit = false,
    ownsBackups = false,
    watch = () => Promise.resolve({ close: () => Promise.resolve() }),
  }: StorageOverOptions = {},
): FileStorage {
  let count = 0;
  return new FileStorage({
    stateDir: join(root, "state"),
    backupDir: join(root, "backup"),
    fs,
    processes,
    randomName: () => `${prefix}${(count += 1)}`,
    command: "test",
    keepOutOfGit,
    ownsBackups,
    ...(clock === undefined ? {} : { clock }),
    watch,
  });
}
