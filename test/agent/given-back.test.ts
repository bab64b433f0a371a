/**
 * What a provider wants back with the results of calls: kept with the answer that asks for them, so that another process can resume the turn. A server
 * that refuses calls without it accepts them.
 */
import { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { giveBackOf } from "../../src/agent/give-back.js";
import { toModelMessages } from "../../src/agent/messages.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import { toPlainMessage } from "../../src/agent/models/providers/plain-messages.js";
import { reasoningOfChunk } from "../../src/agent/reasoning.js";
import type { Message } from "../../src/model/conversation.js";
import type { ProviderName } from "../../src/model/providers.js";
import { managerOver, memory } from "../doubles/managers.js";
import { ScriptedServer, type Script } from "../e2e/servers.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const look = tool(() => "It rains.", { name: "look", description: "look", schema: z.looseObject({}) });

/** Thinks, asks for a tool, and then takes its result only with what it thought. */
function strict(field: "reasoning_content" | "reasoning"): (server: () => ScriptedServer) => Script {
  return (server) => (answer) => {
    const calls = server().lastMessages.filter(({ role }) => role === "assistant");
    const given = calls.map((message) => Reflect.get(message, "reasoning_content") as unknown);
    if (calls.length === 0) {
      answer.chunk({ choices: [{ index: 0, delta: { [field]: "I should look." }, finish_reason: null }] });
      const call = { index: 0, id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
      answer.chunk({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: "tool_calls" }] });
      answer.done();
    } else if (given[0] === (field === "reasoning_content" ? "I should look." : undefined)) answer.whole(["It rains."]);
    else
      answer.respond(400, "application/json", `{"error":{"message":"reasoning_content: ${JSON.stringify(given[0])}"}}`);
  };
}

/** The turn waits with its call; another process, with a model of its own, resumes it. */
async function resumed(field: "reasoning_content" | "reasoning", modelName = "openai:m") {
  const found: { server?: ScriptedServer } = {};
  const server = await ScriptedServer.start(
    strict(field)(() => {
      if (found.server === undefined) throw new Error("it has not started");
      return found.server;
    }),
  );
  found.server = server;
  closers.push(() => server.stop());
  const storage = memory();
  const run = async (prompt: string | undefined, decision: "stop" | "run", name: string) => {
    const manager = managerOver(storage);
    const model = createOpenAIModel({ model: "m", apiKey: "k", baseUrl: server.url, retries: 0, onRequest: undefined });
    const agent = new DraftHybridStreamingAgent({
      model,
      modelName: name,
      manager,
      tools: [look],
      approve: () => decision,
    });
    const conversation = await manager.open("tale");
    let error: unknown;
    for await (const event of agent.runTurn(conversation, prompt)) if (event.type === "end") error = event.error;
    const last = conversation.state.messages.at(-1);
    await manager.close();
    return { error, content: last?.content };
  };
  await run("Weather?", "stop", "openai:m");
  return run(undefined, "run", modelName);
}

describe("a turn that another process resumes gives back", () => {
  test("the reasoning where the server names it reasoning_content", async () => {
    expect(await resumed("reasoning_content")).toEqual({ error: undefined, content: "It rains." });
  });

  test("nothing where the server names it otherwise", async () => {
    expect(await resumed("reasoning")).toEqual({ error: undefined, content: "It rains." });
  });

  test("nothing to another model", async () => {
    expect(await resumed("reasoning_content", "openai:other")).toMatchObject({ error: { code: "MODEL" } });
  });
});

describe("signed blocks come back as they were", () => {
  const CALL = { id: "c1", name: "look", args: {}, type: "tool_call" as const };
  const THOUGHTS: readonly (readonly [ProviderName, ConstructorParameters<typeof AIMessageChunk>[0]])[] = [
    [
      "anthropic",
      {
        content: [
          { type: "thinking", thinking: "I should", signature: "c2lnbmVk" },
          { type: "redacted_thinking", data: "aGlkZGVu" },
          { type: "thinking", thinking: " look.", signature: "bW9yZQ" },
        ],
      },
    ],
    [
      "bedrock",
      { content: [{ type: "reasoning_content", reasoningText: { text: "I should look.", signature: "c2lnbmVk" } }] },
    ],
    [
      "google-genai",
      {
        content: [{ type: "thinking", thinking: "I should look.", signature: "c2lnbmVk" }],
        additional_kwargs: {
          __gemini_function_call_thought_signatures__: { c1: "c2lnbmVk" },
        },
      },
    ],
  ];

  const stored = (fields: ConstructorParameters<typeof AIMessageChunk>[0], text = ""): Message => {
    const chunk = new AIMessageChunk(fields);
    const giveBack = giveBackOf(chunk);
    const message = {
      id: "a",
      role: "assistant",
      content: text,
      createdAt: "",
      status: "complete",
      model: "m",
      reasoning: reasoningOfChunk(chunk),
      toolCalls: [{ id: "c1", name: "look", args: {} }],
      ...(giveBack === undefined ? {} : { giveBack }),
    };
    return JSON.parse(JSON.stringify(message)) as Message;
  };

  test.each(THOUGHTS)("to %s", (provider, fields) => {
    const message = stored(fields);
    const [sent] = toModelMessages([message], "m");
    const before = new AIMessage({ ...(fields as object), tool_calls: [CALL] });
    expect(sent && toPlainMessage(sent, provider)).toEqual(toPlainMessage(before, provider));
    // The thinking is in the conversation once.
    expect(JSON.stringify(message.giveBack)).not.toContain("should");
  });

  test("with the text behind them, and without them where the reasoning is no longer theirs", () => {
    const message = stored(THOUGHTS[0]?.[1] ?? "", "Well.");
    expect(toModelMessages([message], "m")[0]?.content).toMatchObject([
      { type: "thinking" },
      {},
      {},
      { type: "text", text: "Well." },
    ]);
    expect(toModelMessages([{ ...message, reasoning: "Other." }], "m")[0]?.content).toBe("Well.");
  });

  test("in the turn that they belong to alone", () => {
    const question = { id: "u", role: "user", content: "So?", createdAt: "" } as const;
    expect(toModelMessages([stored(THOUGHTS[0]?.[1] ?? "", "Well."), question], "m")[0]?.content).toBe("Well.");
  });
});
