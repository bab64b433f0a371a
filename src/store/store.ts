/**
 * One store: everything of it on disk and what work on it needs of the world, made once and handed to all who work on it.
 * A value, not a hub: it holds no conversation and calls nothing above it.
 */
import { SIZE_LIMITS, type SizeLimits } from "../snapshot/size.js";
import type { RetryEvent, RetryPolicy } from "../storage/retry.js";
import type { Storage } from "../storage/storage.js";
import { Reach } from "./away.js";
import type { ManagerEmitter } from "./events.js";
import { Locks } from "./locks.js";
import type { Settings } from "./settings.js";
import { Spills } from "./spills.js";
import { Trash } from "./trash.js";

/** What a store needs of the world. */
export interface StoreEnvironment {
  readonly storage: Storage;
  /** Where changes are spilled while `storage` cannot be written. */
  readonly fallback?: Storage | undefined;
  readonly now: () => Date;
  /** Milliseconds on a clock that never goes back, for durations. */
  readonly elapsed: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Where the storage retries by itself: tells the listener each time. */
  readonly onStorageRetry?: (listener: (event: RetryEvent) => void) => void;
  /** For tests: what is written within others is not read back within the usual ones. */
  readonly limits?: SizeLimits;
}

export interface Store {
  readonly storage: Storage;
  readonly settings: Settings;
  readonly now: () => Date;
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly events: ManagerEmitter;
  readonly trash: Trash;
  /** Undefined without a `fallbackDir`. */
  readonly spills: Spills | undefined;
  readonly reach: Reach;
  readonly locks: Locks;
  readonly retry: RetryPolicy;
  readonly limits: SizeLimits;
}

const DAY = 24 * 60 * 60 * 1000;

export function createStore(environment: StoreEnvironment, settings: Settings, events: ManagerEmitter): Store {
  const { storage, fallback, now, elapsed, random, limits = SIZE_LIMITS } = environment;
  const onRetry = (event: RetryEvent): void => {
    events.emit("retry", event);
  };
  const warn = (conversationId: string, message: string): void => {
    events.emit("warning", { conversationId, message });
  };
  environment.onStorageRetry?.(onRetry);
  const spills =
    fallback === undefined
      ? undefined
      : new Spills({
          storage: fallback,
          store: storage.identity,
          directory: settings.fallbackDir ?? "",
          events,
          now,
        });
  return {
    storage,
    settings,
    now,
    elapsed,
    random,
    events,
    trash: new Trash({ storage, now, random, keepFor: settings.trashDays * DAY, warn }),
    spills,
    reach: new Reach({ storage, spills }),
    locks: new Locks({ storage, events, now, lease: settings.lockLease }),
    retry: { attempts: settings.retryAttempts, delay: settings.retryDelay, random, onRetry },
    limits,
  };
}

/** Housekeeping that failed: nothing is lost, but someone should look. */
export function warn(
  { events }: Pick<Store, "events">,
  conversationId: string,
  message: string,
  error?: unknown,
): void {
  events.emit("warning", { conversationId, message, ...(error === undefined ? {} : { error }) });
}
