/**
 * One POST of JSON under the policy, in the background: it keeps no process alive, and no answer is read beyond its status. A
 * redirect that the policy does not follow is an answer like any other. Loads undici: import it when it is first needed.
 */
import { policyFetch } from "./policy-fetch.js";
import { RedirectError, type Proxies } from "./policy.js";

export interface PostRequest {
  readonly url: string;
  readonly body: string;
  /** Ends it: nothing here has a time-out of its own. */
  readonly signal: AbortSignal;
  readonly proxies: Proxies | undefined;
}

export async function postJson({ url, body, signal, proxies }: PostRequest): Promise<{ readonly status: number }> {
  const target = new URL(url);
  const headers = { "content-type": "application/json", "user-agent": "draftstate", ...authorizationOf(target) };
  target.username = target.password = "";
  const fetch = policyFetch({ proxies, idleTimeout: 0, isBackground: true });
  try {
    const response = await fetch(target.href, { method: "POST", headers, body, signal });
    await response.body?.cancel();
    return { status: response.status };
  } catch (error) {
    if (error instanceof RedirectError) return { status: error.redirect.status };
    throw error;
  }
}

/** An address may hold a name and a password; they are sent as a header, to its own origin alone. */
function authorizationOf({ username, password }: URL): { authorization?: string } {
  if (username === "" && password === "") return {};
  return {
    authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`,
  };
}
