/**
 * What a connection of ours may do, in one place, for a model's server and the webhook: limits, time-outs, redirects, proxies. Pure.
 */
const MIB = 2 ** 20;

export type Fetch = typeof globalThis.fetch;

/** Of one event of a stream, decoded. */
export const EVENT_LIMIT = 64 * MIB;
/** Of a page that says why not. */
export const ERROR_LIMIT = 4 * MIB;
/** Milliseconds that a server may be silent, before its answer and within it. */
export const IDLE_TIMEOUT = 240_000;
/** Within one origin. */
export const MAX_REDIRECTS = 3;

/** Broken by a server or refused by us; the message is for the person who asked. */
export class HttpPolicyError extends Error {
  override readonly name = "HttpPolicyError";
}

/** The policy's own error, wherever it stands among the causes. */
export function policyErrorIn(error: unknown): HttpPolicyError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof HttpPolicyError) return at;
  return undefined;
}

export interface Redirect {
  readonly status: number;
  readonly to: string;
  /** To the same origin, with the same method and body. */
  readonly mayFollow: boolean;
}

/** Undefined if it is not an answer. */
export function redirectOf(url: string, status: number, location: string | null): Redirect | undefined {
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, url)) return undefined;
  const to = new URL(location, url);
  return { status, to: to.href, mayFollow: [307, 308].includes(status) && to.origin === new URL(url).origin };
}

/** What gives the address of a model's server, for messages. */
export const MODEL_ADDRESS = "--base-url";

/** What else of its address there is, a key perhaps, is not repeated. */
export function redirectMessage({ status, to }: Redirect, from: string, address = MODEL_ADDRESS): string {
  const { origin } = new URL(to);
  if (origin === new URL(from).origin)
    return `the server answers with a redirect (${status}) that is not followed: check ${address}`;
  return `the server redirects to ${origin} (${status}), and neither the key nor the conversation follows to another origin: if you trust it, give its address with ${address}`;
}

export class RedirectError extends HttpPolicyError {
  constructor(
    readonly redirect: Redirect,
    from: string,
    address?: string,
  ) {
    super(redirectMessage(redirect, from, address));
  }
}

export interface Proxies {
  readonly http: string | undefined;
  readonly https: string | undefined;
  /** Hosts that are asked directly. */
  readonly none: string | undefined;
}

/** Never through a proxy: what stays on this machine. */
const LOOPBACK = "localhost,127.0.0.1,[::1]";

/** Undefined where no proxy is named. */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies | undefined {
  const named = (...names: readonly string[]): string | undefined =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
  const [http, https] = [named("http_proxy", "HTTP_PROXY"), named("https_proxy", "HTTPS_PROXY")];
  if (http === undefined && https === undefined) return undefined;
  const none = named("no_proxy", "NO_PROXY");
  if (none?.trim() === "*") return undefined;
  return { http, https, none: none === undefined ? LOOPBACK : `${none},${LOOPBACK}` };
}
