/** Waiting for the writer's lock, and what whoever does not get it is told. */
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError } from "../errors.js";
import type { Lock, LockAttempt, Storage } from "../storage/storage.js";

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

function lockedError(id: string, attempt: Extract<LockAttempt, { acquired: false }>): DraftstateError {
  const { owner, path, detail } = attempt;
  const who = owner === undefined
    ? `its lock file ${detail ?? "cannot be read"}: if no process uses it, remove ${path}`
    : `${owner.command} (pid ${owner.pid} on ${owner.host}) has it open since ${owner.since}: end that, wait for it with DRAFTSTATE_LOCK_TIMEOUT (milliseconds), or go on in a copy with draftstate chat --fork ${id}`;
  return new DraftstateError("LOCKED", `conversation ${id} is locked: ${who}`, { path });
}
