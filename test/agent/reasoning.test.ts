/** What a model thinks beside its answer: kept while it comes, with the answer afterwards, and never a part of it. */
import { AIMessageChunk } from "@langchain/core/messages";
import { FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { afterEach, describe, expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { ScriptedServer, type Script } from "../e2e/servers.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

function newManager() {
  const manager = createDraftStatePersistenceManager({
    storage: new MemoryStorage({ now: () => new Date(), command: "test" }),
    autoSave: false,
  });
  closers.push(() => manager.close());
  return manager;
}

async function modelOf(script: Script) {
  const server = await ScriptedServer.start(script);
  closers.push(() => server.stop());
  return createOpenAIModel({ model: "m", apiKey: "k", baseUrl: server.url, retries: 0, onRequest: undefined });
}

const thinking =
  (...deltas: readonly object[]): Script =>
  (answer) => {
    for (const delta of deltas) answer.chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
    answer.whole(["Yes."]);
  };

describe("reasoning is kept with the answer, in the form of", () => {
  test.for<[string, readonly object[]]>([
    ["reasoning_content", [{ reasoning_content: "I " }, { reasoning_content: "think." }]],
    ["reasoning", [{ reasoning: "I " }, { content: "", reasoning: "think." }]],
    ["thinking blocks", [{ content: [{ type: "thinking", thinking: [{ type: "text", text: "I think." }] }] }]],
    ["both names at once", [{ reasoning: "I think.", reasoning_content: "I think." }]],
  ])("%s", async ([, deltas]) => {
    const agent = new DraftHybridStreamingAgent({ model: await modelOf(thinking(...deltas)), manager: newManager() });
    for await (const _state of agent.streamConversation("So?", { conversationId: "tale" }));
    const answer = (await agent.loadConversation("tale"))?.messages.at(-1);
    expect(answer).toMatchObject({ content: "Yes.", reasoning: "I think.", status: "complete" });
  });

  test("content blocks of LangChain's own models", async () => {
    const blocks = [{ type: "thinking", thinking: "I think.", signature: "x" }];
    const model = new FakeStreamingChatModel({
      chunks: [
        new AIMessageChunk({ content: blocks }),
        new AIMessageChunk({ content: [{ type: "text", text: "Yes." }] }),
      ],
    });
    const agent = new DraftHybridStreamingAgent({ model, manager: newManager() });
    for await (const _state of agent.streamConversation("So?", { conversationId: "tale" }));
    const answer = (await agent.loadConversation("tale"))?.messages.at(-1);
    expect(answer).toMatchObject({ content: "Yes.", reasoning: "I think." });
  });
});

test("reasoning is durable before it is shown, and stays where the answer breaks off", async () => {
  const model = await modelOf((answer) => {
    answer.chunk({ choices: [{ index: 0, delta: { reasoning_content: "I think" }, finish_reason: null }] });
    answer.text("Ye");
    answer.close();
  });
  const manager = newManager();
  const agent = new DraftHybridStreamingAgent({ model, manager });
  const conversation = await manager.open("tale");
  const shown: unknown[] = [];
  for await (const event of agent.runTurn(conversation, "So?")) {
    if (event.type !== "reasoning") continue;
    expect(conversation.durableRevision).toBeGreaterThanOrEqual(event.revision);
    shown.push([event.text, event.state.streamingProperties.partialReasoning]);
  }
  expect(shown).toEqual([["I think", "I think"]]);
  expect(conversation.state.messages.at(-1)).toMatchObject({
    content: "Ye",
    reasoning: "I think",
    status: "interrupted",
  });
});
