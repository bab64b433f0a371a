/** What happens on the wire: redirects, proxies, silence, broken text, floods of tool calls, usage that counts nothing. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tool } from "@langchain/core/tools";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import type { RequestEvent } from "../../src/agent/models/request-progress.js";
import type { TurnEvent } from "../../src/agent/turn.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { PolicyOptions } from "../../src/http/policy-fetch.js";
import { proxiesOf } from "../../src/http/policy.js";
import type { Message } from "../../src/model/conversation.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { saying, ScriptedServer, type Script } from "../e2e/servers.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function serve(...scripts: readonly [Script, ...Script[]]): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(...scripts);
  closers.push(() => server.stop());
  return server;
}

async function listen(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

interface Asked {
  readonly end: Extract<TurnEvent, { type: "end" }> | undefined;
  readonly messages: readonly Message[];
  readonly requests: readonly RequestEvent[];
  readonly called: readonly unknown[];
}

async function ask(baseUrl: string, connection: PolicyOptions = {}, retries = 0): Promise<Asked> {
  const manager = createDraftStatePersistenceManager({
    storage: new MemoryStorage({ now: () => new Date(), command: "test" }),
    autoSave: false,
  });
  closers.push(() => manager.close());
  const requests: RequestEvent[] = [];
  const called: unknown[] = [];
  const onRequest = (event: RequestEvent): void => {
    requests.push(event);
  };
  const model = createOpenAIModel({ model: "m", apiKey: "sk-canary", baseUrl, retries, onRequest, connection });
  const look = tool(
    (args) => {
      called.push(args);
      return "rain";
    },
    { name: "look", description: "Looks.", schema: z.looseObject({}) },
  );
  const agent = new DraftHybridStreamingAgent({ model, manager, tools: [look] });
  const conversation = await manager.open("tale");
  let end: Asked["end"];
  for await (const event of agent.runTurn(conversation, "private words")) if (event.type === "end") end = event;
  return { end, messages: conversation.state.messages as unknown as Message[], requests, called };
}

function calling(...calls: readonly (readonly [name: string, args: string])[]): Script {
  return (answer) => {
    for (const [index, [name, args]] of calls.entries()) {
      const call = { index, id: `c${index}`, type: "function", function: { name, arguments: args } };
      answer.chunk({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] });
    }
    answer.finish("tool_calls");
    answer.done();
  };
}

test("nothing packed is asked for: a small answer could unpack to any size", async () => {
  const asked: unknown[] = [];
  const { origin } = await listen((request, response) => {
    asked.push(request.headers["accept-encoding"]);
    response.writeHead(404).end();
  });
  await ask(`${origin}/v1`);
  expect(asked).toEqual(["identity"]);
});

test("comments without end are no answer", { timeout: 60_000 }, async () => {
  const comments = `: still working ${"x".repeat(2 ** 20)}\n\n`;
  const { origin } = await listen((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const more = (): void => {
      while (!response.destroyed && response.write(comments));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  const { end } = await ask(`${origin}/v1`);
  expect(end?.error?.message).toContain("more than 64 MiB without ending an event");
});

describe("a redirect", () => {
  test("to another origin is not followed, and reported", async () => {
    const other = await serve(saying("stolen"));
    const { origin } = await listen((_request, response) => {
      response.writeHead(307, { location: `${other.url}/chat/completions` }).end();
    });
    const { end } = await ask(`${origin}/v1`, {}, 2);
    expect(other.requests).toEqual([]);
    expect(end).toMatchObject({ status: "error", error: { code: "MODEL" } });
    expect(end?.error?.message).toContain(`redirects to ${new URL(other.url).origin} (307)`);
  });

  test("within the origin is followed with all that was sent, and not for ever", async () => {
    const bodies: string[] = [];
    const { origin } = await listen((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += String(piece)));
      request.on("end", () => {
        bodies.push(body);
        response.writeHead(307, { location: "/v1/again" }).end();
      });
    });
    expect((await ask(`${origin}/v1`)).end?.error?.message).toContain("redirect (307) that is not followed");
    expect(bodies).toHaveLength(4);
    expect(bodies.every((body) => body.includes("private words"))).toBe(true);
  });
});

describe("a proxy of the environment", () => {
  test("gets what goes elsewhere, except to the hosts of NO_PROXY and this machine", async () => {
    const seen: string[] = [];
    const { server, origin } = await listen((request, response) => {
      seen.push(`${request.method ?? ""} ${request.url ?? ""}`);
      response.writeHead(200, { "content-type": "application/json" });
      const message = { role: "assistant", content: "By proxy." };
      response.end(JSON.stringify({ id: "c", choices: [{ index: 0, message, finish_reason: "stop" }] }));
    });
    server.on("connect", (request, socket) => {
      seen.push(`CONNECT ${request.url ?? ""}`);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    const proxies = proxiesOf({ HTTP_PROXY: origin, HTTPS_PROXY: origin, NO_PROXY: "direct.invalid" });
    const local = await serve(saying("Here."));
    expect((await ask("http://model.invalid/v1", { proxies })).messages.at(-1)?.content).toBe("By proxy.");
    expect((await ask("https://model.invalid/v1", { proxies })).end?.status).toBe("error");
    expect((await ask("http://direct.invalid/v1", { proxies })).end?.status).toBe("error");
    expect((await ask(local.url, { proxies })).messages.at(-1)?.content).toBe("Here.");
    expect(seen).toEqual(["POST http://model.invalid/v1/chat/completions", "CONNECT model.invalid:443"]);
  });
});

describe("a server that says nothing", () => {
  // Long enough that what does come has come, also on a busy machine.
  test.for<[string, Script, string, number]>([
    [
      "at all",
      async (answer) => {
        await answer.abandoned;
      },
      "",
      150,
    ],
    [
      "more in the middle",
      async (answer) => {
        answer.text("Hal");
        await answer.abandoned;
      },
      "Hal",
      2000,
    ],
  ])("%s is left after the time that it may be silent", async ([, script, text, idleTimeout]) => {
    const { url } = await serve(script);
    const { end, messages, requests } = await ask(url, { idleTimeout }, 2);
    expect(end?.error?.message).toContain(`sent nothing for ${idleTimeout === 150 ? 0.2 : 2} s`);
    expect(messages.at(-1)).toMatchObject({ content: text, status: text === "" ? "error" : "interrupted" });
    expect(requests.filter(({ kind }) => kind === "sent")).toHaveLength(1);
  });

  test("is waited for where no time is set", async () => {
    const { url } = await serve(async (answer) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer.whole(["Late."]);
    });
    expect((await ask(url, { idleTimeout: 0 })).messages.at(-1)?.content).toBe("Late.");
  });
});

test("text that is not UTF-8 is reported, and the rest is an answer", async () => {
  const { origin } = await listen((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const delta = (content: string): string =>
      `data: {"id":"c","choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null}]}\n\n`;
    response.write(Buffer.concat([Buffer.from(delta("ä")), Buffer.from(`${delta("\xff")}${delta("\xfe")}`, "latin1")]));
    response.end('data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  });
  const { requests, messages } = await ask(`${origin}/v1`);
  expect(messages.at(-1)).toMatchObject({ content: "ä\ufffd\ufffd", status: "complete" });
  expect(requests.filter(({ kind }) => kind === "broken text")).toHaveLength(1);
});

describe("a flood of tool calls", () => {
  test("is stopped at the limit of one answer, before any is carried out", async () => {
    const { url, requests } = await serve(calling(...Array.from({ length: 2000 }, () => ["look", "{}"] as const)));
    const { end, called } = await ask(url);
    expect(end?.error).toMatchObject({
      code: "MODEL",
      message: expect.stringContaining("more than 128 tools at once"),
    });
    expect([called, requests.length]).toEqual([[], 1]);
  });

  test("is stopped at the limit of arguments", async () => {
    const { url } = await serve((answer) => {
      for (let count = 0; count < 6; count += 1) {
        const call = {
          index: 0,
          ...(count === 0 ? { id: "c" } : {}),
          function: { name: "look", arguments: "x".repeat(2 ** 20) },
        };
        answer.chunk({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] });
      }
      answer.finish("tool_calls");
      answer.done();
    });
    expect((await ask(url)).end?.error?.message).toContain("more than 4 MiB of arguments");
  });

  test("of tools that nobody offered gets one result, and the others theirs", async () => {
    const { url, lastMessages } = await serve(
      calling(["fly", "{}"], ["look", '{"at":1}'], ["swim", "{}"], ["run", "{}"]),
      saying("So be it."),
    );
    const { messages, called } = await ask(url);
    expect(lastMessages).toBeDefined();
    expect(called).toEqual([{ at: 1 }]);
    expect(messages.filter(({ role }) => role === "tool").map(({ name, content }) => [name, content])).toEqual([
      // Kept before the others begin.
      ["fly", 'Error: there is no tool named "fly", and 2 more calls of tools that do not exist; the tools are look.'],
      ["look", "rain"],
    ]);
    expect(messages.at(-1)?.content).toBe("So be it.");
  });

  test("arguments that reach for a prototype are a failure of the model, kept as they came", async () => {
    const { url } = await serve(calling(["look", '{"__proto__":{"x":1}}']));
    const { end, messages, called } = await ask(url);
    expect([end?.error?.code, called]).toEqual(["MODEL", []]);
    expect(messages.at(-1)?.toolCalls?.[0]).toMatchObject({ name: "look", args: { input: '{"__proto__":{"x":1}}' } });
  });
});

test.for([
  '{"prompt_tokens":1e999,"completion_tokens":1e999}',
  '{"prompt_tokens":-5,"completion_tokens":2}',
  '{"prompt_tokens":1.5,"completion_tokens":2}',
  '{"prompt_tokens":"5","completion_tokens":2}',
  "[1,2]",
  "7",
])("usage that counts nothing is left out, and the answer stays: %s", async (usage) => {
  const { url } = await serve((answer) => {
    answer.text("Hi");
    answer.finish();
    answer.raw(`data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":${usage}}\n\n`);
    answer.done();
  });
  const { end, messages } = await ask(url);
  expect(end).toMatchObject({ status: "complete", usage: undefined, error: undefined });
  expect(end?.remarks).toHaveLength(1);
  expect(messages.at(-1)).not.toHaveProperty("usage");
});
