/**
 * A machine with one disk, on which processes begin and die: each has a pid of its own and names of its own, so that
 * a run can be repeated exactly. Its fallback directory is on the same disk.
 */
import { vi } from "vitest";
import { DraftStatePersistenceManager, type ManagerOptions } from "../../src/manager.js";
import { FileStorage } from "../../src/storage/file-storage.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import { RetryingFileSystem } from "../../src/storage/retrying-file-system.js";
import { START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { BACKUP_DIR, STATE_DIR } from "../doubles/storage-over.js";

export const ID = "chat";
export const FALLBACK_DIR = "/spare";
export const FALLBACK_BACKUP_DIR = "/spare/backup";

export const OPTIONS: ManagerOptions = { autoSave: false, retryDelay: 0, maxBackups: 3, saveOnToken: false };

export interface ProcessOptions {
  readonly pid: number;
  readonly boot?: string;
  /** Each of them from this moment on, a millisecond a look. */
  readonly start?: number;
  readonly options?: ManagerOptions;
  /** What the state directory is reached through, where it is not the disk itself. */
  readonly through?: FileSystem;
  readonly withFallback?: boolean;
}

/** Time passes by looks at the clock alone: no timer of a process runs, and those of dead ones are forgotten with all that they hold. */
vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });

export function forgetTimers(): void {
  vi.clearAllTimers();
}

/** Processes of a lower pid are dead. */
export function startProcess(
  disk: FileSystem,
  { pid, boot = "boot-1", start = START, options = {}, through = disk, withFallback = false }: ProcessOptions,
): DraftStatePersistenceManager {
  const world = new ProcessWorld(boot);
  for (let other = 1; other < pid; other += 1) world.kill(other);
  let [at, names, ticks] = [start, 0, 0];
  const storage = (fs: FileSystem, stateDir: string, backupDir: string): FileStorage =>
    new FileStorage({
      stateDir,
      backupDir,
      command: "test",
      fs: new RetryingFileSystem(fs, { attempts: 5, delay: 0, random: () => 0.5, onRetry: () => undefined }),
      processes: world.table(pid),
      randomName: () => `p${pid}n${(names += 1)}`,
      watch: () => Promise.resolve({ close: () => Promise.resolve() }),
    });
  return new DraftStatePersistenceManager(
    {
      storage: storage(through, STATE_DIR, BACKUP_DIR),
      fallback: withFallback ? storage(disk, FALLBACK_DIR, FALLBACK_BACKUP_DIR) : undefined,
      now: () => new Date((at += 1)),
      // Nothing that a run does depends on how fast it is.
      elapsed: () => (ticks += 1),
      random: () => 0.5,
    },
    { ...OPTIONS, ...options, ...(withFallback ? { fallbackDir: FALLBACK_DIR } : {}) },
  );
}
