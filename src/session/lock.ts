/** The locks of this process in one store: waited for, swept behind dead holders, released, and released again where that failed. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError, messageOf } from "../errors.js";
import type { Lock, LockAttempt, LockRefusal } from "../storage/storage.js";
import { warn, type Store } from "../store/store.js";

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

export class Locks {
  /** Given up, but still there: their directory was out of reach. */
  readonly #left = new Set<Lock>();
  /** Asked for in vain: the storage may have taken it before it failed. */
  readonly #doubtful = new Set<string>();

  constructor(
    private readonly store: Store,
    /** Aborted once no caller is to wait for a lock any longer. */
    private readonly signal: AbortSignal,
  ) {}

  /** Throws `LOCKED`, naming the holder, when it is still taken after `timeout` milliseconds, and once the signal is aborted. */
  async acquire(id: string, timeout: number): Promise<Lock> {
    const { elapsed, random } = this.store;
    const deadline = elapsed() + timeout;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      const attempt = await this.#try(id);
      if (attempt.acquired) return attempt.lock;
      const left = deadline - elapsed();
      if (left <= 0 || this.signal.aborted) throw lockedError(id, attempt);
      await delay(Math.min(left, pause * (0.5 + random())), undefined, { signal: this.signal }).catch(() => undefined);
    }
  }

  async #try(id: string): Promise<LockAttempt> {
    const { storage, now, settings } = this.store;
    this.#doubtful.add(id);
    const attempt = await storage.tryLock(id, now(), settings.lockLease === 0 ? {} : { lease: settings.lockLease });
    this.#doubtful.delete(id);
    if (attempt.acquired) await this.#sweep(id, attempt);
    return attempt;
  }

  /** Only a holder that died leaves anything unfinished; in the fallback directory it may have died long ago, which was away then, or not named. */
  async #sweep(id: string, { takenOverFrom }: Extract<LockAttempt, { acquired: true }>): Promise<void> {
    const { storage, spills } = this.store;
    const swept = takenOverFrom === undefined ? undefined : storage.sweep(id);
    await Promise.all([swept, spills?.sweep(id)]).catch((error: unknown) => {
      warn(this.store, id, `unfinished files could not be removed: ${messageOf(error)}`, error);
    });
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
    await Promise.all([...this.#doubtful].map((id) => this.#releaseDoubtful(id)));
    if (!(await this.store.storage.exists().catch(() => true))) return [];
    return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  }

  /** Acquired again, it can be released. If the storage still fails, no caller was told that it is held. */
  async #releaseDoubtful(id: string): Promise<void> {
    const attempt = await this.#try(id).catch(() => undefined);
    if (attempt?.acquired === true) await this.release(attempt.lock);
  }
}

/** For one who asks before acting: throws `LOCKED` where another holds the lock at present. */
export async function assertUnlocked({ storage }: Pick<Store, "storage">, id: string): Promise<void> {
  const holder = await storage.lockHolder(id);
  if (holder !== undefined) throw lockedError(id, { acquired: false, holder, liveness: "alive", where: id });
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
  const wait = `end that, wait for it with lockTimeout (milliseconds), or continue in a copy made with manager.fork("${id}")`;
  return liveness === "alive"
    ? `${held}: ${wait}`
    : `${held}, and whether that still runs cannot be seen from here: ${wait}; if it no longer runs, remove ${where}`;
}
