/** The lock of a conversation: waited for, and swept behind a dead holder. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError, messageOf } from "../errors.js";
import type { Lock, LockAttempt, LockRefusal } from "../storage/storage.js";
import { warn, type Store } from "../store/store.js";

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

export class LockWaiter {
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
    const attempt = await this.store.locks.try(id);
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
