/**
 * The policy for a package that takes no `fetch` and calls the global one: from now on nothing that this process fetches goes without it. Never
 * undone, since a request that is forgotten must not find Node's own. The policy itself keeps that.
 */
import type { Fetch } from "../../../http/policy.js";
import type { Connection } from "./connection.js";

/** What goes to another origin (LangSmith) is under the policy, too, but is not part of the call. */
export function replaceGlobalFetch(address: string, { fetch, elsewhere }: Connection): void {
  const { origin } = new URL(address);
  const toProvider = fetch();
  const route = (input: Parameters<Fetch>[0]): Fetch =>
    new URL(input instanceof Request ? input.url : input).origin === origin ? toProvider : elsewhere;
  globalThis.fetch = async (input, init) => route(input)(input, init);
}
