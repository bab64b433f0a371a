/** Tries again what can pass: exponential backoff with jitter. Never for a sync: a second sync of the same file proves nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../errors.js";

const TRANSIENT = new Set(["EBUSY", "EAGAIN", "EMFILE", "ENFILE", "EINTR", "ETIMEDOUT", "ENOLCK", "ETXTBSY"]);

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
/** Errors that were tried again until the attempts were used up: whoever sees them next is not to begin anew. */
const usedUp = new WeakSet<object>();

export function isTransient(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (usedUp.has(at)) return false;
    const code = systemErrorCode(at);
    if (code !== undefined && TRANSIENT.has(code)) return true;
  }
  return false;
}

export async function withRetry<T>(operation: string, policy: RetryPolicy, act: () => Promise<T>, mayPass: (error: unknown) => boolean = isTransient): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
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
