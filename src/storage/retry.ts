/** Tries again what can pass: exponential backoff with jitter. Never for a sync: a second sync of the same file proves nothing. */
import { platform } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../errors.js";

const TRANSIENT = new Set(["EBUSY", "EAGAIN", "EMFILE", "ENFILE", "EINTR", "ETIMEDOUT", "ENOLCK", "ETXTBSY"]);
/** Of a name that another program has open for a moment, such as a virus scanner or an indexer on Windows. */
const IN_USE = new Set(["EPERM", "EACCES", "EBUSY"]);
const CALLS_ON_NAMES = new Set(["rename", "unlink", "link", "open"]);

export interface RetryEvent {
  readonly operation: string;
  /** Of the try that failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds. */
  readonly delay: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly onRetry: (event: RetryEvent) => void;
}

const MAX_DELAY = 5000;
/** Errors that were retried until the attempts were used up: callers further up must not start over. */
const usedUp = new WeakSet<object>();

/** A refusal that says nothing about owner and mode: on Windows, a file that another program has open cannot be renamed or removed. */
export function isInUse(error: unknown, system: NodeJS.Platform = platform()): boolean {
  if (system !== "win32" || !(error instanceof Error) || !("syscall" in error)) return false;
  return IN_USE.has(systemErrorCode(error) ?? "") && CALLS_ON_NAMES.has(String(error.syscall));
}

export function isTransient(error: unknown, system: NodeJS.Platform = platform()): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (usedUp.has(at)) return false;
    const code = systemErrorCode(at);
    if (code !== undefined && (TRANSIENT.has(code) || isInUse(at, system))) return true;
  }
  return false;
}

export async function withRetry<T>(
  operation: string,
  policy: RetryPolicy,
  act: (attempt: number) => Promise<T>,
  mayPass: (error: unknown) => boolean = isTransient,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(attempt);
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (attempt > policy.attempts) {
        if (error instanceof Error) usedUp.add(error);
        throw error;
      }
      const ceiling = Math.min(MAX_DELAY, policy.delay * 2 ** (attempt - 1));
      const delayMs = Math.round(ceiling * (0.5 + policy.random() / 2));
      policy.onRetry({ operation, attempt, delayMs, error });
      await delay(delayMs);
    }
  }
}
