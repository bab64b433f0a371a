/** A provider's package that takes no `fetch` of ours and calls the global one is under the policy all the same. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { selectModel } from "../../src/agent/models/select.js";
import type { RequestEvent } from "../../src/agent/models/request-progress.js";

const nodeFetch = globalThis.fetch;
const closers: (() => void)[] = [];
afterEach(() => {
  globalThis.fetch = nodeFetch;
  for (const close of closers.splice(0)) close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As much of Google's package as matters: it sends its key by the global `fetch`. */
class ChatGoogleGenerativeAI {
  constructor(private readonly fields: { readonly apiKey: string; readonly baseUrl: string }) {}

  async *stream() {
    const headers = { "x-goog-api-key": this.fields.apiKey };
    const response = await fetch(`${this.fields.baseUrl}/ask`, { method: "POST", headers, body: "private words" });
    yield { content: await response.text() };
  }
}

async function ask(baseUrl: string, requests: RequestEvent[] = []): Promise<string> {
  const { model } = await selectModel({
    model: "google-genai:m",
    baseUrl,
    apiKey: undefined,
    env: { GOOGLE_API_KEY: "canary" },
    temperature: undefined,
    maxTokens: undefined,
    options: {},
    load: () => ({ ChatGoogleGenerativeAI }),
    seed: 0,
    offlineTokenDelay: 0,
    modelRetries: 0,
    onRequest: (event) => requests.push(event),
    connection: { idleTimeout: 1000 },
  });
  return (await model.invoke("private words")).text;
}

test("to another origin no redirect takes the key or the conversation; within its own all goes along", async () => {
  const stolen: unknown[] = [];
  const other = await listen((request, response) => {
    stolen.push(request.headers);
    response.end("stolen");
  });
  const away = await listen((_request, response) => response.writeHead(307, { location: `${other}/ask` }).end());
  await expect(ask(away)).rejects.toThrow(`redirects to ${other} (307)`);
  const keys: unknown[] = [];
  const within = await listen((request, response) => {
    keys.push(request.headers["x-goog-api-key"]);
    if (request.url === "/ask") response.writeHead(307, { location: "/again" }).end();
    else response.end("Hello.");
  });
  const requests: RequestEvent[] = [];
  expect(await ask(within, requests)).toBe("Hello.");
  expect(keys).toEqual(["canary", "canary"]);
  expect(requests.map(({ kind }) => kind)).toEqual(["sent", "answered"]);
  expect(stolen).toEqual([]);
});

test("what the package sends to any other address is under the policy, and not taken for the model's request", async () => {
  const stolen: unknown[] = [];
  const other = await listen((request, response) => {
    stolen.push(request.headers);
    response.end();
  });
  const away = await listen((_request, response) => response.writeHead(307, { location: other }).end());
  const own = await listen((_request, response) => response.end("Hello."));
  const requests: RequestEvent[] = [];
  await ask(own, requests);
  const request = new Request(away, { method: "POST", headers: { "x-api-key": "canary" }, body: "words" });
  await expect(fetch(request)).rejects.toThrow(`redirects to ${other}`);
  expect(stolen).toEqual([]);
  expect(requests).toHaveLength(2);
});

test("a server that is silent is not waited for without end", async () => {
  const silent = await listen(() => undefined);
  await expect(ask(silent)).rejects.toThrow("the server sent nothing for 1 s");
});
