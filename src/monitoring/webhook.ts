/**
 * Alerts on their way to a webhook: one at a time, in order, a few tries each, a bounded number that wait. `send` never
 * throws and is not waited for, nothing here keeps the process alive, and `close` takes a bounded time. A redirect
 * that `post` did not follow is a failure: what is said here goes to the origin that was configured and nowhere else.
 */
import { settlesWithin } from "./settles-within.js";

export interface HttpReply {
  readonly status: number;
}

/** Sends a JSON body; follows no redirect to another origin; rejects when the network fails or the signal aborts; keeps no process alive. */
export type HttpPost = (url: string, body: string, signal: AbortSignal) => Promise<HttpReply>;

export interface WebhookOptions {
  readonly url: string;
  readonly post: HttpPost;
  /** Resolves after N milliseconds, or when the signal aborts; keeps no process alive. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  /** An alert that was given up; `reason` never holds the address, which may be a secret. Must not throw. */
  readonly onFailure: (reason: string) => void;
  readonly timeoutMs?: number;
  readonly firstPauseMs?: number;
}

const TRIES = 3;
const TIMEOUT = 5000;
const FIRST_PAUSE = 500;
const MAX_WAITING = 20;

type Outcome = { readonly done: true } | { readonly done: false; readonly reason: string; readonly final: boolean };

export class Webhook {
  readonly #waiting: string[] = [];
  readonly #closing = new AbortController();
  #attempt: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: WebhookOptions) {}

  send(payload: object): void {
    if (this.#closing.signal.aborted) return;
    const body = toJson(payload);
    if (body === undefined) {
      this.options.onFailure("an alert cannot be written as JSON");
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.options.onFailure("too many alerts wait for the webhook: the oldest was dropped");
    }
    this.#waiting.push(body);
    this.#running ??= this.#deliver().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when every alert is delivered or given up, at the latest after `patienceMs` milliseconds. Nothing is sent afterwards. */
  async close(patienceMs: number): Promise<void> {
    if (this.#running !== undefined) await settlesWithin(patienceMs, this.#running);
    const left = this.#running === undefined ? 0 : this.#waiting.length + 1;
    this.#waiting.length = 0;
    this.#closing.abort();
    this.#attempt?.abort();
    if (left > 0) this.options.onFailure(`the webhook did not answer in time: ${left} not delivered`);
  }

  async #deliver(): Promise<void> {
    // In a turn of its own, so that a failure is never told from within `send`.
    await Promise.resolve();
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      const reason = await this.#tryToSend(body);
      if (reason !== undefined && !this.#closing.signal.aborted) this.options.onFailure(reason);
    }
  }

  /** Why it was given up; undefined when it was delivered. */
  async #tryToSend(body: string): Promise<string | undefined> {
    const { delay, firstPauseMs = FIRST_PAUSE } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#sendOnce(body);
      if (outcome.done) return undefined;
      if (outcome.final || attempt === TRIES) return outcome.reason;
      await delay(firstPauseMs * 2 ** (attempt - 1), this.#closing.signal);
      if (this.#closing.signal.aborted) return outcome.reason;
    }
  }

  /** Also ends in time where `post` does not heed its signal. */
  async #sendOnce(body: string): Promise<Outcome> {
    const { url, post, timeoutMs = TIMEOUT } = this.options;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const ended = new Promise<Outcome>((resolve) => {
      attempt.signal.addEventListener("abort", () => {
        resolve(failed("the webhook did not answer in time"));
      });
    });
    const timer = setTimeout(() => {
      attempt.abort();
    }, timeoutMs);
    timer.unref();
    try {
      const sent = post(url, body, attempt.signal).then(({ status }) => outcomeOf(status));
      return await Promise.race([sent, ended]);
    } catch {
      return failed("the webhook cannot be reached");
    } finally {
      clearTimeout(timer);
      this.#attempt = undefined;
    }
  }
}

function toJson(payload: object): string | undefined {
  try {
    return JSON.stringify(payload);
  } catch {
    return undefined;
  }
}

function failed(reason: string): Outcome {
  return { done: false, final: false, reason };
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return { done: true };
  if (status === 0 || (status >= 300 && status < 400))
    return {
      done: false,
      final: true,
      reason: "the webhook answered with a redirect, which is not followed: set alertWebhook to where it leads",
    };
  const mayPass = status >= 500 || status === 408 || status === 429;
  return { done: false, final: !mayPass, reason: `the webhook answered with status ${status}` };
}
