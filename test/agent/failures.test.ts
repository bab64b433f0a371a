/** What a failed turn leaves: what is sent next, what its caller is told, and what a model is given back within a turn. */
import { tool } from "@langchain/core/tools";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import type { TurnEvent } from "../../src/agent/turn.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { saying, ScriptedServer, type Script } from "../e2e/servers.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function talkTo(...scripts: readonly [Script, ...Script[]]) {
  const server = await ScriptedServer.start(...scripts);
  const manager = createDraftStatePersistenceManager({
    storage: new MemoryStorage({ now: () => new Date(), command: "test" }),
    autoSave: false,
  });
  const model = createOpenAIModel({ model: "m", apiKey: "k", baseUrl: server.url, retries: 0, onRequest: undefined });
  const look = tool(() => "rain", { name: "look", description: "Looks.", schema: z.object({}) });
  const agent = new DraftHybridStreamingAgent({ model, manager, tools: [look] });
  const conversation = await manager.open("tale");
  closers.push(
    () => server.stop(),
    () => manager.close(),
  );
  return {
    server,
    say: async (prompt: string | undefined): Promise<Extract<TurnEvent, { type: "end" }> | undefined> => {
      let end: Extract<TurnEvent, { type: "end" }> | undefined;
      for await (const event of agent.runTurn(conversation, prompt)) if (event.type === "end") end = event;
      return end;
    },
  };
}

const failing: Script = (answer) => {
  answer.respond(500, "application/json", '{"error":{"message":"overloaded"}}');
};
const spoken = (server: ScriptedServer): unknown[] => server.lastMessages.map(({ role, content }) => [role, content]);

describe("a question that only got an error", () => {
  test("is not sent again with the next one", async () => {
    const { server, say } = await talkTo(failing, saying("Yes."));
    await say("First?");
    await say("Second?");
    expect(spoken(server)).toEqual([["user", "Second?"]]);
  });

  test("is sent again where nothing else was asked, and its failure is not lasting", async () => {
    const { server, say } = await talkTo(failing, saying("Yes."));
    expect(await say("First?")).toMatchObject({ status: "error", isLasting: false });
    await say(undefined);
    expect(spoken(server)).toEqual([["user", "First?"]]);
  });

  test("stays in what is sent where a part of its answer came", async () => {
    const { server, say } = await talkTo((answer) => {
      answer.text("Hal");
      answer.finish("error");
      answer.done();
    }, saying("Yes."));
    await say("First?");
    await say("Second?");
    expect(spoken(server)).toEqual([
      ["user", "First?"],
      ["assistant", "Hal"],
      ["user", "Second?"],
    ]);
  });
});

describe("a failure is lasting", () => {
  test.for<[string, number, string]>([
    [
      "OpenAI",
      400,
      '{"error":{"message":"This model\'s maximum context length is 8192 tokens","code":"context_length_exceeded"}}',
    ],
    ["llama.cpp", 400, '{"error":{"message":"the request exceeds the available context size, try increasing it"}}'],
    ["Anthropic", 400, '{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'],
    ["vLLM, whatever its status", 500, '{"error":{"message":"maximum context length is 4096 tokens"}}'],
  ])("where the conversation is too long, in the words of %s", async ([, status, body]) => {
    const { say } = await talkTo((answer) => {
      answer.respond(status, "application/json", body);
    });
    const end = await say("Long?");
    expect(end?.isLasting).toBe(true);
    expect(end?.error?.message).toContain("too long for this model");
    expect(end?.error?.message).not.toMatch(/resume/);
  });

  test("where the request is refused", async () => {
    const { say } = await talkTo((answer) => {
      answer.respond(422, "application/json", '{"detail":"no"}');
    });
    expect((await say("So?"))?.isLasting).toBe(true);
  });
});

describe("reasoning_content beside calls", () => {
  test("is given back with their results, and not in the next turn", async () => {
    const thinking: Script = (answer) => {
      answer.chunk({ choices: [{ index: 0, delta: { reasoning_content: "I should " }, finish_reason: null }] });
      answer.chunk({ choices: [{ index: 0, delta: { reasoning_content: "look." }, finish_reason: null }] });
      const call = { index: 0, id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
      answer.chunk({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: "tool_calls" }] });
      answer.done();
    };
    const { server, say } = await talkTo(thinking, saying("It rains."), saying("Yes."));
    await say("Weather?");
    expect(server.lastMessages[1]).toMatchObject({ role: "assistant", reasoning_content: "I should look." });
    await say("Sure?");
    expect(JSON.stringify(server.lastMessages)).not.toContain("reasoning_content");
  });
});
