/**
 * `fetch` under the policy: redirects within the origin only, no silence without end, proxies of the environment, no compressed streams.
 * undici is loaded where a proxy is named, a request is in the background, or a silence is allowed that Node's own `fetch` would end.
 */
import {
  HttpPolicyError,
  RedirectError,
  IDLE_TIMEOUT,
  MAX_REDIRECTS,
  MODEL_ADDRESS,
  redirectOf,
  type Fetch,
  type Proxies,
} from "./policy.js";

type Input = Parameters<Fetch>[0];
type Init = NonNullable<Parameters<Fetch>[1]>;

export interface PolicyOptions {
  readonly proxies?: Proxies | undefined;
  /** Milliseconds; 0 waits for ever. */
  readonly idleTimeout?: number | undefined;
  /** What gives the server's address, for messages. */
  readonly address?: string;
  /** Whether the process may end without its answer. */
  readonly isBackground?: boolean;
}

/** The global one may be replaced, by ours even. */
const nodeFetch = globalThis.fetch;
/** Milliseconds after which Node's `fetch` gives up by itself. */
const OWN_TIMEOUT = 300_000;

export function policyFetch({
  proxies,
  idleTimeout = IDLE_TIMEOUT,
  address = MODEL_ADDRESS,
  isBackground = false,
}: PolicyOptions = {}): Fetch {
  const isLong = isBackground || idleTimeout === 0 || idleTimeout >= OWN_TIMEOUT;
  let loading: Promise<Fetch> | undefined;
  const load = (): Promise<Fetch> =>
    (loading ??= import("./proxied-fetch.js").then(({ proxiedFetch }) => proxiedFetch(proxies, isBackground)));
  return async (input, init = {}) => {
    const fetch = proxies === undefined && !isLong ? nodeFetch : await load();
    const silence = new Silence(idleTimeout, init.signal ?? undefined);
    const headers = new Headers(init.headers);
    // A small stream could unpack to any size.
    headers.set("accept-encoding", "identity");
    const response = await silence.over(() =>
      followed(fetch, input, { ...init, headers, redirect: "manual", signal: silence.signal }, address),
    );
    return response.body === null ? response : withBody(response, silence);
  };
}

function urlOf(input: Input): string {
  return typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
}

async function followed(fetch: Fetch, input: Input, init: Init, address: string): Promise<Response> {
  let response = await fetch(input, init);
  let at = urlOf(input);
  for (let count = 0; ; count += 1) {
    const redirect = redirectOf(at, response.status, response.headers.get("location"));
    if (redirect === undefined) return response;
    await response.body?.cancel();
    if (!redirect.mayFollow || count === MAX_REDIRECTS) throw new RedirectError(redirect, at, address);
    at = redirect.to;
    response = await fetch(at, init);
  }
}

/** Ends the request where the server says nothing for too long; time in which its reader does not read is not counted. */
class Silence {
  readonly #end = new AbortController();
  readonly signal: AbortSignal;

  constructor(
    private readonly limit: number,
    signal: AbortSignal | undefined,
  ) {
    this.signal = signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
  }

  async over<T>(wait: () => Promise<T>): Promise<T> {
    if (this.limit === 0) return wait();
    const timer = setTimeout(() => {
      const seconds = Math.round(this.limit / 100) / 10;
      this.#end.abort(
        new HttpPolicyError(
          `the server sent nothing for ${seconds} s: ask again later, or let it take longer with --idle-timeout`,
        ),
      );
    }, this.limit);
    try {
      return await wait();
    } catch (error) {
      throw this.#end.signal.aborted ? this.#end.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function withBody(response: Response, silence: Silence): Response {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await silence.over(async () => reader?.read());
        if (next === undefined || next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers: new Headers([...headers]) });
}
