/** Waits for the writer's lock, and says what to do about one that is not to be had. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError } from "../errors.js";
import type { Lock, LockRefusal, Storage } from "../storage/storage.js";

export interface LockingEnvironment {
  readonly now: () => Date;
  /** Milliseconds since some moment. */
  readonly elapsed: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** Throws `LOCKED`, naming the owner, when it is still taken after `timeout` milliseconds. */
export async function acquireLock(storage: Storage, id: string, timeout: number, { now, elapsed, random }: LockingEnvironment): Promise<Lock> {
  const deadline = elapsed() + timeout;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const attempt = await storage.tryLock(id, now());
    if (attempt.acquired) return attempt.lock;
    const left = deadline - elapsed();
    if (left <= 0) throw lockedError(id, attempt);
    await delay(Math.min(left, pause * (0.5 + random())));
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
