/**
 * A server by streamable HTTP, under the project's policy for connections: its headers go to its own origin alone, no redirect
 * leaves it, proxies are those of the environment, silence and size have limits. Only answers to our requests are read.
 */
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { limitEvents } from "../http/event-limit.js";
import { policyFetch, type PolicyOptions } from "../http/policy-fetch.js";
import { policyErrorIn, type Fetch } from "../http/policy.js";
import type { HttpServer } from "./server-config.js";

/** Milliseconds for which the end of a session is told to the server. */
const GOODBYE = 500;
/** The policy ends a silence a little later than the call, whose message says more. */
const LATER = 1000;
/** Milliseconds for which what came before the end may still be read. */
const UNREAD = 250;

export interface HttpOptions {
  readonly connection: Pick<PolicyOptions, "proxies">;
  readonly timeout: number;
}

/** A stream for what the server says of its own accord is not opened: as if it offered none. */
function withoutStream(fetch: Fetch): Fetch {
  return async (input, init) => (init?.method === "GET" ? new Response(null, { status: 405 }) : fetch(input, init));
}

interface Ended {
  /** Of the request whose answer ended. */
  readonly id: string | number;
  readonly error: unknown;
}

/** The client waits for an answer that ended without one until its time is up: this says when each body ends. */
function tellingEnds(fetch: Fetch, onEnd: (ended: Ended) => void): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const id = idOf(init?.body);
    if (id === undefined || response.body === null) return response;
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const next = await reader.read().catch((error: unknown) => {
            onEnd({ id, error });
            throw error;
          });
          if (!next.done) {
            controller.enqueue(next.value);
            return;
          }
          onEnd({ id, error: undefined });
          controller.close();
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}

function idOf(body: unknown): string | number | undefined {
  if (typeof body !== "string") return undefined;
  const { id } = JSON.parse(body) as { readonly id?: string | number };
  return id;
}

export class HttpTransport extends StreamableHTTPClientTransport {
  readonly end = undefined;
  readonly lastWords: readonly string[] = [];

  constructor({ url, headers }: HttpServer, { connection, timeout }: HttpOptions) {
    const address = "its url";
    const fetch = policyFetch({ ...connection, idleTimeout: timeout === 0 ? 0 : timeout + LATER, address });
    super(new URL(url), {
      fetch: withoutStream(
        tellingEnds(limitEvents(fetch, address), (ended) => {
          this.#answerFor(ended);
        }),
      ),
      requestInit: { headers: { ...headers } },
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1000,
        maxReconnectionDelay: 1000,
        reconnectionDelayGrowFactor: 1,
      },
    });
  }

  /** As if the server had said so itself; where it has answered, nobody waits for this any more. */
  #answerFor({ id, error }: Ended): void {
    const message = policyErrorIn(error)?.message ?? "the answer broke off";
    setTimeout(() => {
      this.onmessage?.({ jsonrpc: "2.0", id, error: { code: ErrorCode.ConnectionClosed, message } });
    }, UNREAD).unref();
  }

  override async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE);
    });
    await Promise.race([this.terminateSession().catch(() => undefined), patience]);
    clearTimeout(timer);
    await super.close();
  }
}
