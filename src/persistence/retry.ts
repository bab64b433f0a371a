/** Tries again what can pass: exponential backoff with jitter. Never for a sync: a second sync of the same file proves nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../errors.js";

const TRANSIENT = new Set(["EBUSY", "EAGAIN", "EMFILE", "ENFILE", "EINTR", "ETIMEDOUT", "ENOLCK", "ETXTBSY"]);

export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds. */
  readonly delay: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly onRetry: (event: { operation: string; attempt: number; delayMs: number; error: unknown }) => void;
}

const MAX_DELAY = 5000;

export function isTransient(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = systemErrorCode(at);
    if (code !== undefined && TRANSIENT.has(code)) return true;
  }
  return false;
}

export async function withRetry<T>(operation: string, policy: RetryPolicy, act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (attempt > policy.attempts || !isTransient(error)) throw error;
      const ceiling = Math.min(MAX_DELAY, policy.delay * 2 ** (attempt - 1));
      const delayMs = Math.round(ceiling * (0.5 + policy.random() / 2));
      policy.onRetry({ operation, attempt, delayMs, error });
      await delay(delayMs);
    }
  }
}
