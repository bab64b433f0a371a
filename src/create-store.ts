/** A store on this machine: files, the system's clock, the system's randomness. Reading one needs nothing more than this. */
import { join } from "node:path";
import { hrtime } from "node:process";
import { DraftstateError } from "./errors.js";
import { createLocalStorage } from "./storage/index.js";
import type { RetryEvent } from "./storage/retry.js";
import { isSameDirectory, isWithin } from "./storage/same-directory.js";
import type { Storage } from "./storage/storage.js";
import { foreignFiles, namedFiles } from "./store/foreign.js";
import { ManagerEmitter } from "./store/events.js";
import { resolveSettings, type Settings } from "./store/settings.js";
import { createStore, type Store, type StoreEnvironment } from "./store/store.js";

export interface LocalStoreOptions {
  /** Another store than files in `stateDir` and `backupDir`. */
  readonly storage?: Storage | undefined;
  /** What this process calls itself in its locks, for people. */
  readonly command?: string;
}

type GivenSettings = Readonly<Record<string, unknown>>;

/** Throws `INVALID_CONFIG` for an unknown or wrong setting. Touches no file until something is read or written. */
export function openStore(settings: GivenSettings, options: LocalStoreOptions = {}): Store {
  return createStore(localEnvironment(settings, options), resolveSettings(settings), new ManagerEmitter());
}

export function localEnvironment(
  settings: GivenSettings,
  { storage, command = "node" }: LocalStoreOptions,
): StoreEnvironment {
  const { stateDir, backupDir, fallbackDir, retryAttempts, retryDelay } = resolveSettings(settings);
  if (storage === undefined) assertApart({ stateDir, backupDir, fallbackDir });
  const retries = new RetryNotices();
  const retry = { attempts: retryAttempts, delay: retryDelay, random: Math.random, onRetry: retries.notify };
  return {
    storage:
      storage ??
      createLocalStorage({
        stateDir,
        backupDir,
        command,
        retry,
        ...(settings["stateDir"] === undefined ? { admit: assertOwn } : {}),
      }),
    fallback:
      fallbackDir === undefined
        ? undefined
        : createLocalStorage({
            stateDir: fallbackDir,
            backupDir: backupsIn(fallbackDir),
            command,
            retry,
            mayBeRemoved: true,
          }),
    now: () => new Date(),
    elapsed: () => Number(hrtime.bigint()) / 1e6,
    random: Math.random,
    onStorageRetry: (listener) => {
      retries.listen(listener);
      storage?.onRetry?.(listener);
    },
  };
}

function backupsIn(fallbackDir: string): string {
  return join(fallbackDir, "backup");
}

/** The default directory may be another program's; one that was named is used as it is. */
async function assertOwn(storage: Storage): Promise<void> {
  const files = await foreignFiles(storage);
  if (files.length === 0) return;
  const path = storage.describe({ area: "state", name: "" });
  throw new DraftstateError(
    "INVALID_CONFIG",
    `${path} is another program's (${namedFiles(files)}): give a directory for conversations as stateDir; if that is this one, it is used all the same`,
    { path: "stateDir" },
  );
}

type Directories = Pick<Settings, "stateDir" | "backupDir" | "fallbackDir">;

/** What is cleared away in one of them must not be what another keeps. */
function assertApart({ stateDir, backupDir, fallbackDir }: Directories): void {
  const named = [
    ["stateDir", stateDir],
    ["backupDir", backupDir],
    ...(fallbackDir === undefined
      ? []
      : [
          ["fallbackDir", fallbackDir],
          ["the backups of fallbackDir", backupsIn(fallbackDir)],
        ]),
  ] as [string, string][];
  for (const [index, [name, directory]] of named.entries()) {
    const path = name.split(" ").at(-1) ?? name;
    const other = named.slice(0, index).find(([, earlier]) => isSameDirectory(earlier, directory));
    if (other !== undefined)
      throw new DraftstateError(
        "INVALID_CONFIG",
        `${other[0]} and ${name} are the same directory (${directory}): give each one of its own`,
        { path },
      );
    if (isWithin(directory, join(stateDir, ".draftstate")))
      throw new DraftstateError(
        "INVALID_CONFIG",
        `${name} (${directory}) is inside ${join(stateDir, ".draftstate")}, which is cleared by draftstate itself: give it a directory of its own`,
        { path },
      );
  }
}

/** The storage is made before the manager that tells of its retries. */
class RetryNotices {
  #listener: ((event: RetryEvent) => void) | undefined;

  readonly listen = (listener: (event: RetryEvent) => void): void => {
    this.#listener = listener;
  };

  readonly notify = (event: RetryEvent): void => {
    this.#listener?.(event);
  };
}
