/** One HTTP POST with the platform's fetch: redirects are answers like any other, and no answer is read beyond its status. */
import type { HttpPost } from "./webhook.js";

export const postJson: HttpPost = async (url, body, signal) => {
  const target = new URL(url);
  const { username, password } = target;
  // fetch refuses an address with a name and a password in it.
  target.username = target.password = "";
  const authorization = username === "" ? {} : { authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}` };
  const response = await fetch(target, { method: "POST", redirect: "manual", headers: { "content-type": "application/json", "user-agent": "draftstate", ...authorization }, body, signal });
  await response.body?.cancel();
  return { status: response.status };
};
