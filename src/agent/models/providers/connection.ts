/** The one HTTP policy as the `fetch` of a provider's package: limits, redirects, proxies, silence, and Ctrl-C. */
import type { Fetch } from "../../../http/policy.js";
import { policyFetch, type PolicyOptions } from "../../../http/policy-fetch.js";
import { limitEvents, type StreamForm } from "../../../http/event-limit.js";
import { RequestWatch, type RequestListener } from "../request-progress.js";
import type { Call } from "./provider-model.js";

export interface Connection {
  readonly call: Call;
  readonly watch: RequestWatch;
  readonly fetch: (form?: StreamForm) => Fetch;
  /** For what is no part of the model's calls. */
  readonly elsewhere: Fetch;
}

export interface ConnectionOptions {
  readonly retries: number;
  readonly onRequest: RequestListener | undefined;
  readonly connection: PolicyOptions | undefined;
}

export function connectionFor({ retries, onRequest, connection }: ConnectionOptions): Connection {
  const call: Call = { signal: undefined };
  const policy = policyFetch(connection);
  const watch = new RequestWatch(onRequest, retries, policy);
  return {
    call,
    watch,
    fetch: (form) => unpacked(stoppable(limitEvents(watch.fetch, undefined, form), call)),
    elsewhere: unpacked(policy),
  };
}

/** Also by packages that hand down no signal. */
function stoppable(fetch: Fetch, call: Call): Fetch {
  return (input, init = {}) => {
    const signals = [init.signal, call.signal].filter((signal) => signal !== undefined && signal !== null);
    return fetch(input, signals.length === 0 ? init : { ...init, signal: AbortSignal.any(signals) });
  };
}

/** A request that is a whole object as an address and its parts. */
function unpacked(fetch: Fetch): Fetch {
  return async (input, init) => {
    if (!(input instanceof Request)) return fetch(input, init);
    const { url, method, headers, signal } = input;
    const body = method === "GET" || method === "HEAD" ? undefined : await input.text();
    return fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }), ...init });
  };
}
