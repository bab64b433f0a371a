/** What goes on between asking a server and its first token, for whoever waits: sent, answered, failed, tried again. */
import { systemErrorCode } from "../../errors.js";

export type RequestEvent =
  | { readonly kind: "sent"; readonly host: string; readonly attempt: number }
  | { readonly kind: "answered"; readonly host: string }
  /** It will be tried again, unless `attempt` is the last of `attempts`. */
  | { readonly kind: "failed"; readonly host: string; readonly attempt: number; readonly attempts: number; readonly reason: string };

export type RequestListener = (event: RequestEvent) => void;

type Fetch = typeof globalThis.fetch;

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

/** A `fetch` that tells. It changes nothing about the requests; the client above it is who tries again. */
export function watchRequests(tell: RequestListener, retries: number): Fetch {
  let failures = 0;
  return async (input, init) => {
    const host = hostOf(input);
    const attempt = failures + 1;
    const failed = (reason: string): void => {
      failures = attempt > retries ? 0 : attempt;
      tell({ kind: "failed", host, attempt, attempts: retries + 1, reason });
    };
    tell({ kind: "sent", host, attempt });
    try {
      const response = await globalThis.fetch(input, init);
      if (response.ok) {
        failures = 0;
        tell({ kind: "answered", host });
      } else failed(reasonOfStatus(response.status));
      return response;
    } catch (error) {
      if (init?.signal?.aborted === true) failures = 0;
      else failed(reasonOf(error));
      throw error;
    }
  };
}
