/** The locks of this process in one store: waited for, released, and released again where that failed. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError, messageOf } from "../errors.js";
import type { Lock, LockAttempt, LockRefusal } from "../storage/storage.js";
import { warn, type Store } from "../store/store.js";

export type AcquiredLock = Extract<LockAttempt, { acquired: true }>;

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

export class Locks {
  /** Given up, but still there: their directory was out of reach. */
  readonly #left = new Set<Lock>();

  constructor(
    private readonly store: Store,
    /** Aborted when nobody is to wait for a lock any longer. */
    private readonly signal: AbortSignal,
  ) {}

  /** Throws `LOCKED`, naming the holder, when it is still taken after `timeout` milliseconds, and once the signal is aborted. */
  async acquire(id: string, timeout: number): Promise<AcquiredLock> {
    const { storage, now, elapsed, random, settings } = this.store;
    const deadline = elapsed() + timeout;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      const attempt = await storage.tryLock(id, now(), settings.lockLease === 0 ? {} : { lease: settings.lockLease });
      if (attempt.acquired) return attempt;
      const left = deadline - elapsed();
      if (left <= 0 || this.signal.aborted) throw lockedError(id, attempt);
      await delay(Math.min(left, pause * (0.5 + random())), undefined, { signal: this.signal }).catch(() => undefined);
    }
  }

  /** Never rejects: nothing is written under the lock any more, and removing it is tried again at the end. */
  async release(lock: Lock): Promise<void> {
    try {
      await lock.release();
    } catch (error) {
      this.#left.add(lock);
      warn(this.store, lock.name, `its lock could not be removed: ${messageOf(error)}`, error);
    }
  }

  /** What could not be released before; the errors of those that still cannot. Where the whole store is away there is nothing to release: they end with the process. */
  async releaseLeft(): Promise<unknown[]> {
    const outcomes = await Promise.allSettled([...this.#left].map((lock) => lock.release()));
    this.#left.clear();
    if (!(await this.store.storage.exists().catch(() => true))) return [];
    return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  }
}

function lockedError(id: string, attempt: LockRefusal): DraftstateError {
  const { where } = attempt;
  return new DraftstateError("LOCKED", `conversation ${id} is locked: ${reasonOf(id, attempt)}`, { path: where });
}

function reasonOf(id: string, { holder, liveness, where, detail }: LockRefusal): string {
  if (holder === undefined)
    return liveness === "alive"
      ? `it is ${detail ?? "in use"}: try again`
      : `its lock file ${detail ?? "cannot be read"}: if no process uses it, remove ${where}`;
  const held = `${holder.holder} has it open since ${holder.since}`;
  const wait = `end that, wait for it with DRAFTSTATE_LOCK_TIMEOUT (milliseconds), or continue in a copy with draftstate chat --fork ${id}`;
  return liveness === "alive"
    ? `${held}: ${wait}`
    : `${held}, and whether that still runs cannot be seen from here: ${wait}; if it no longer runs, remove ${where}`;
}
