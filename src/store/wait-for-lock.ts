/** A lock that is waited for a while, since another process may be between two writes, then refused by name. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError } from "../errors.js";
import type { LockAttempt, LockRefusal } from "../storage/storage.js";
import type { Store } from "./store.js";

export type AcquiredLock = Extract<LockAttempt, { acquired: true }>;

/** Milliseconds; longer than a writer keeps what it no longer writes. */
const SHORTEST_WAIT = 2000;
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** `what` is locked, for the message. Throws `LOCKED` when it is still taken after the setting `lockTimeout`, and once the signal is aborted. */
export async function waitForLock(
  store: Store,
  { lock, what }: { readonly lock: string; readonly what: string },
  signal: AbortSignal,
): Promise<AcquiredLock> {
  const { locks, elapsed, random, settings } = store;
  const deadline = elapsed() + Math.max(settings.lockTimeout, SHORTEST_WAIT);
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const attempt = await locks.try(lock);
    if (attempt.acquired) return attempt;
    const left = deadline - elapsed();
    if (left <= 0 || signal.aborted) throw lockedError(what, attempt);
    await delay(Math.min(left, pause * (0.5 + random())), undefined, { signal }).catch(() => undefined);
  }
}

function lockedError(what: string, { holder, liveness, where, detail }: LockRefusal): DraftstateError {
  const held =
    holder === undefined
      ? `its lock file ${detail ?? "cannot be read"}`
      : `${holder.holder} writes it since ${holder.since}`;
  const advice =
    liveness === "alive"
      ? "end that, or wait for it with the setting lockTimeout"
      : `whether that still runs cannot be seen from here: if it does not, remove ${where}`;
  return new DraftstateError("LOCKED", `${what} is locked: ${held}; ${advice}`, { path: where });
}
