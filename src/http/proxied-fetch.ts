/** undici's `fetch` through the proxies of the environment, without a time-out of its own. Loaded where it is needed. */
import { Agent, EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { backgroundPool } from "./background-sockets.js";
import { HttpPolicyError, type Fetch, type Proxies } from "./policy.js";

const UNTIMED = { headersTimeout: 0, bodyTimeout: 0 };

function dispatcherFor(proxies: Proxies | undefined, isBackground: boolean) {
  const options = isBackground ? { ...UNTIMED, factory: backgroundPool, clientFactory: backgroundPool } : UNTIMED;
  if (proxies === undefined) return new Agent(options);
  const { http, https, none } = proxies;
  try {
    return new EnvHttpProxyAgent({
      ...options,
      // What is not encrypted is sent through it as every proxy takes it.
      proxyTunnel: false,
      // An empty text is no proxy; undefined would let undici look into the environment.
      httpProxy: http ?? "",
      httpsProxy: https ?? "",
      noProxy: none ?? "",
    });
  } catch (error) {
    throw new HttpPolicyError("HTTP_PROXY or HTTPS_PROXY is not an http URL: give one such as http://proxy:3128", {
      cause: error,
    });
  }
}

export function proxiedFetch(proxies: Proxies | undefined, isBackground = false): Fetch {
  const dispatcher = dispatcherFor(proxies, isBackground);
  return async (input, init) => {
    const answer = await undiciFetch(input as string, { ...init, dispatcher } as Parameters<typeof undiciFetch>[1]);
    const { status, statusText, headers, body } = answer;
    return new Response(body as ReadableStream<Uint8Array> | null, { status, statusText, headers: [...headers] });
  };
}
