/**
 * One HTTP POST that keeps no process alive: its socket does not count, as that of `fetch` would. Redirects are answers
 * like any other, and no answer is read beyond its status. Loads the HTTP modules: import it when it is first needed.
 */
import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { HttpPost, HttpReply } from "./webhook.js";

export const postJson: HttpPost = async (url, body, signal) => {
  const target = new URL(url);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "draftstate",
    ...authorizationOf(target),
  };
  target.username = target.password = "";
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  const options: RequestOptions = { method: "POST", headers, signal, agent: false };
  return new Promise<HttpReply>((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      resolve({ status: response.statusCode ?? 0 });
      response.destroy();
    };
    const sent = request(target, options, answered);
    sent.on("socket", (socket) => socket.unref());
    sent.on("error", reject);
    sent.end(body);
  });
};

/** An address may hold a name and a password; they are sent as a header. */
function authorizationOf({ username, password }: URL): { authorization?: string } {
  if (username === "") return {};
  return {
    authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`,
  };
}
