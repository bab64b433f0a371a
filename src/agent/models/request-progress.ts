/** The progress of a request before its first token, for the caller: sent, answered, failed, tried again. */
import { systemErrorCode } from "../../errors.js";
import { policyErrorIn, type Fetch, type HttpPolicyError } from "../../http/policy.js";

export type RequestEvent =
  | { readonly kind: "sent"; readonly host: string; readonly attempt: number }
  | { readonly kind: "answered"; readonly host: string }
  /** Bytes of its answer are not UTF-8: they are read as U+FFFD. */
  | { readonly kind: "broken text"; readonly host: string }
  /** It is tried again. */
  | {
      readonly kind: "failed";
      readonly host: string;
      readonly attempt: number;
      readonly attempts: number;
      readonly reason: string;
    };

export type RequestListener = (event: RequestEvent) => void;

function hostOf(input: Parameters<Fetch>[0]): string {
  const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
  return URL.canParse(url) ? new URL(url).host : url;
}

function reasonOf(error: unknown): string {
  let at = error;
  while (at instanceof Error && systemErrorCode(at) === undefined && at.cause instanceof Error) at = at.cause;
  const code = systemErrorCode(at);
  if (code === "ECONNREFUSED") return "the connection is refused";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host is not found";
  return code === undefined ? "the connection failed" : `the connection failed (${code})`;
}

function reasonOfStatus(status: number): string {
  if (status === 429) return "too many requests (429)";
  return status >= 500 ? `the server failed (${status})` : `the server answered ${status}`;
}

/** Told by a `fetch` that changes nothing about the requests, and by the client above it, which alone knows whether it tries again. */
export class RequestWatch {
  #failures = 0;
  #host = "";
  #refused: HttpPolicyError | undefined;
  #failed: { readonly host: string; readonly reason: string } | undefined;

  constructor(
    private readonly tell: RequestListener = () => undefined,
    private readonly retries: number,
    private readonly under: Fetch,
  ) {}

  readonly fetch: Fetch = async (input, init) => {
    const host = hostOf(input);
    this.#host = host;
    // The failure before was not retried: this is a new request.
    if (this.#failed !== undefined) this.#failures = 0;
    this.#failed = undefined;
    this.#refused = undefined;
    this.tell({ kind: "sent", host, attempt: this.#failures + 1 });
    try {
      const response = await this.under(input, init);
      if (response.ok) {
        this.#failures = 0;
        this.tell({ kind: "answered", host });
      } else this.#failed = { host, reason: reasonOfStatus(response.status) };
      return response;
    } catch (error) {
      this.#refused = policyErrorIn(error);
      if (init?.signal?.aborted === true) this.#failures = 0;
      else this.#failed = { host, reason: reasonOf(error) };
      throw error;
    }
  };

  /** Of the policy, by which the last request failed: the client gives on an error of its own in its place. */
  get refused(): HttpPolicyError | undefined {
    return this.#refused;
  }

  brokenText(): void {
    this.tell({ kind: "broken text", host: this.#host });
  }

  /** What failed can pass: the client tries again while there are retries left. */
  mayTryAgain(): void {
    if (this.#failed === undefined || this.#failures >= this.retries) return;
    this.#failures += 1;
    this.tell({ kind: "failed", ...this.#failed, attempt: this.#failures, attempts: this.retries + 1 });
    this.#failed = undefined;
  }
}
