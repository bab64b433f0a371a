/**
 * An agent whose tools are asked about. It takes its conversation up wherever it was cut off, until the answer is there, notes each
 * decision, each call that its tools get and each result that it was told is durable in a file, and kills itself at a step that it
 * is told. Runs the built library.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { tool } from "@langchain/core/tools";
import { DraftHybridStreamingAgent } from "../../../dist/agent.js";
import { createDraftStatePersistenceManager } from "../../../dist/index.js";

const { settings, id, notes, killAt, pause = 0, repeats = true } = JSON.parse(process.argv[2]);
let steps = 0;
async function step() {
  steps += 1;
  if (steps === killAt) process.kill(process.pid, "SIGKILL");
  if (pause > 0) await delay(Math.random() * pause);
}
const noted = (what, call) => appendFileSync(notes, `${JSON.stringify([what, call])}\n`);

/** What it asks for follows from the results so far, as a model's answer does. */
class Scripted extends BaseChatModel {
  _llmType() {
    return "scripted";
  }

  bindTools() {
    return this;
  }

  async _generate() {
    return { generations: [{ text: "", message: new AIMessage("") }] };
  }

  async *_streamResponseChunks(messages) {
    await step();
    const results = messages.filter(({ type }) => type === "tool").length;
    const calls = { 0: ["c1", "c2"], 2: ["c3"] }[results] ?? [];
    const asked = calls.map((call, index) => ({ id: call, name: "count", args: JSON.stringify({ call }), index }));
    const message =
      calls.length > 0
        ? new AIMessageChunk({ content: "", tool_call_chunks: asked })
        : new AIMessageChunk({ content: "Done.", response_metadata: { finish_reason: "stop" } });
    yield new ChatGenerationChunk({ text: message.text, message });
  }
}

const count = tool(
  async ({ call }) => {
    await step();
    noted("called", call);
    await step();
    return `result of ${call}`;
  },
  { name: "count", description: "Counts.", schema: { type: "object", properties: { call: { type: "string" } } } },
);

async function approve({ id: call, startedAt }) {
  await step();
  if (startedAt !== undefined && !repeats) return { refuse: "lost" };
  noted(startedAt === undefined ? "approved" : "approved again", call);
  await step();
  return "run";
}

const manager = createDraftStatePersistenceManager(settings);
const agent = new DraftHybridStreamingAgent({ manager, model: new Scripted({}), tools: [count], approve });
const conversation = await manager.open(id);
console.log("opened");
const prompt = conversation.state.messages.length === 0 ? "Count." : undefined;
if (prompt !== undefined || conversation.state.messages.at(-1)?.status !== "complete")
  for await (const event of agent.runTurn(conversation, prompt)) {
    if (event.type === "tools") for (const { toolCallId } of event.messages) noted("durable", toolCallId);
    if (event.type !== "token") await step();
  }
const said = conversation.state.messages.map(({ role, content }) => [role, content]);
await manager.close();
console.log(JSON.stringify({ steps, said }));
