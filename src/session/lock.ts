/** Waiting for the writer's lock, and the error where it cannot be had. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError } from "../errors.js";
import type { LockAttempt, LockRefusal } from "../storage/storage.js";
import type { Store } from "../store/store.js";

export type AcquiredLock = Extract<LockAttempt, { acquired: true }>;

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** Throws `LOCKED`, naming the holder, when it is still taken after `timeout` milliseconds, and once the signal is aborted. */
export async function acquireLock({ storage, now, elapsed, random, settings }: Store, id: string, timeout: number, signal?: AbortSignal): Promise<AcquiredLock> {
  const deadline = elapsed() + timeout;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const attempt = await storage.tryLock(id, now(), settings.lockLease === 0 ? {} : { lease: settings.lockLease });
    if (attempt.acquired) return attempt;
    const left = deadline - elapsed();
    if (left <= 0 || signal?.aborted === true) throw lockedError(id, attempt);
    await delay(Math.min(left, pause * (0.5 + random())), undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

function lockedError(id: string, attempt: LockRefusal): DraftstateError {
  const { where } = attempt;
  return new DraftstateError("LOCKED", `conversation ${id} is locked: ${reasonOf(id, attempt)}`, { path: where });
}

function reasonOf(id: string, { holder, liveness, where, detail }: LockRefusal): string {
  if (holder === undefined) return liveness === "alive" ? `it is ${detail ?? "in use"}: try again` : `its lock file ${detail ?? "cannot be read"}: if no process uses it, remove ${where}`;
  const held = `${holder.holder} has it open since ${holder.since}`;
  const wait = `end that, wait for it with DRAFTSTATE_LOCK_TIMEOUT (milliseconds), or continue in a copy with draftstate chat --fork ${id}`;
  return liveness === "alive" ? `${held}: ${wait}` : `${held}, and whether that still runs cannot be seen from here: ${wait}; if it no longer runs, remove ${where}`;
}
