/** The manager on this machine: files, the system's clock, the system's randomness. */
import { hrtime } from "node:process";
import { DraftstateError } from "./errors.js";
import { createLocalStorage } from "./storage/index.js";
import { isSameDirectory, isWithin } from "./storage/same-directory.js";
import { join } from "node:path";
import type { RetryEvent } from "./storage/retry.js";
import type { Storage } from "./storage/storage.js";
import type { Logger } from "./metrics/event-log.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "./manager.js";
import { loadTelemetry } from "./metrics/telemetry.js";
import { resolveSettings, type Settings } from "./store/settings.js";
import { findWholeFiles } from "./operations/verify/whole-files.js";

export interface CreateManagerOptions extends ManagerOptions {
  /** Another store than files in `stateDir` and `backupDir`. */
  storage?: Storage;
  /** What this process calls itself in its locks, for people. */
  command?: string;
  /** Takes one structured entry for each event, without message text. */
  logger?: Logger;
  /** Spans and metrics through `@opentelemetry/api`, where it is installed; true unless said. */
  telemetry?: boolean;
}

/** Throws `INVALID_CONFIG` for an unknown or wrong option. Touches no file until something is read or written. */
export function createDraftStatePersistenceManager(options: CreateManagerOptions = {}): DraftStatePersistenceManager {
  const { storage, command = "node", logger, telemetry = true, ...rest } = options;
  const { stateDir, backupDir, fallbackDir, retryAttempts, retryDelay } = resolveSettings(rest);
  if (storage === undefined) assertApart({ stateDir, backupDir, fallbackDir });
  const retries = new RetryNotices();
  const retry = { attempts: retryAttempts, delay: retryDelay, random: Math.random, onRetry: retries.notify };
  return new DraftStatePersistenceManager(
    {
      storage: storage ?? createLocalStorage({ stateDir, backupDir, command, retry }),
      fallback:
        fallbackDir === undefined
          ? undefined
          : createLocalStorage({ stateDir: fallbackDir, backupDir: backupsIn(fallbackDir), command, retry }),
      now: () => new Date(),
      elapsed: () => Number(hrtime.bigint()) / 1e6,
      random: Math.random,
      logger,
      post: async (...request) => (await import("./monitoring/http-post.js")).postJson(...request),
      telemetry: telemetry ? loadTelemetry : undefined,
      onStorageRetry: retries.listen,
      findWholeFiles: storage === undefined ? findWholeFiles : undefined,
    },
    rest,
  );
}

function backupsIn(fallbackDir: string): string {
  return join(fallbackDir, "backup");
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
