/**
 * A server by streamable HTTP, under the project's policy for connections: its headers go to its own origin alone, no redirect
 * leaves it, proxies are those of the environment, silence and size have limits. Only answers to our requests are read.
 */
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { limitEvents } from "../http/event-limit.js";
import { policyFetch, type PolicyOptions } from "../http/policy-fetch.js";
import type { Fetch } from "../http/policy.js";
import type { HttpServer } from "./server-config.js";

/** Milliseconds for which the end of a session is told to the server. */
const GOODBYE = 500;
/** The policy ends a silence a little later than the call, whose message says more. */
const LATER = 1000;

export interface HttpOptions {
  readonly connection: Pick<PolicyOptions, "proxies">;
  readonly timeout: number;
}

/** A stream for what the server says of its own accord is not opened: as if it offered none. */
function withoutStream(fetch: Fetch): Fetch {
  return async (input, init) => (init?.method === "GET" ? new Response(null, { status: 405 }) : fetch(input, init));
}

export class HttpTransport extends StreamableHTTPClientTransport {
  readonly end = undefined;
  readonly lastWords: readonly string[] = [];

  constructor({ url, headers }: HttpServer, { connection, timeout }: HttpOptions) {
    const address = "its url";
    const fetch = policyFetch({ ...connection, idleTimeout: timeout === 0 ? 0 : timeout + LATER, address });
    super(new URL(url), {
      fetch: withoutStream(limitEvents(fetch, address)),
      requestInit: { headers: { ...headers } },
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1000,
        maxReconnectionDelay: 1000,
        reconnectionDelayGrowFactor: 1,
      },
    });
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
