/** Whatever a conversation holds, and whichever program it was had in: a strict server takes what is sent, and the state keeps what was there. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { toModelSequence } from "../../src/agent/messages.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { readImport } from "../../src/formats/import/read-import.js";
import type { Json } from "../../src/model/json.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { StrictChatServer, type WireMessage } from "../doubles/strict-chat-server.js";

const FIXTURES = fileURLToPath(new URL("../fixtures/import/", import.meta.url));
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";
const at = { createdAt: "2026-01-14T21:30:00.000Z" };

let server: StrictChatServer;
beforeAll(async () => {
  server = await StrictChatServer.start();
});
afterAll(() => server.stop());

/** Imports the messages, says "Go on" to the strict server, and gives what it was sent. */
async function resume(messages: readonly Json[], info = {}): Promise<readonly WireMessage[]> {
  const manager = createDraftStatePersistenceManager({
    storage: new MemoryStorage({ now: () => new Date(), command: "test" }),
    autoSave: false,
  });
  const model = createOpenAIModel({
    model: "strict",
    apiKey: "k",
    baseUrl: server.url,
    retries: 0,
    onRequest: undefined,
  });
  const version = { state: { messages }, info: { ...at, ...info }, revision: 1 };
  await manager.import({ id: "tale", version: version, points: [], at: at.createdAt });
  const agent = new DraftHybridStreamingAgent({ model, manager });
  for await (const _state of agent.streamConversation("Go on", { conversationId: "tale" }));
  const state = await manager.loadState("tale");
  expect(state?.messages.slice(0, messages.length)).toEqual(messages);
  expect(state?.messages.at(-1)).toMatchObject({ content: "Understood.", status: "complete" });
  await manager.close();
  return server.received.at(-1) ?? [];
}

async function resumeFile(name: string): Promise<readonly WireMessage[][]> {
  const { conversations } = readImport(readFileSync(`${FIXTURES}${name}`), { at: at.createdAt, acceptEdited: false });
  const sent: WireMessage[][] = [];
  for (const { version } of conversations) sent.push([...(await resume(version.state["messages"] as Json[]))]);
  return sent;
}

describe("every imported conversation can be resumed:", () => {
  test.for(readdirSync(FIXTURES))("%s", async (name) => {
    expect((await resumeFile(name)).length).toBeGreaterThan(0);
  });

  test("pictures go as pictures, transcripts as text, the rest as notes, reasoning not at all", async () => {
    const [sent] = await resumeFile("claude-code-media.jsonl");
    expect(sent?.[0]?.content).toEqual([
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
      { type: "text", text: "And this scan?\n[file, scan.pdf, application/pdf: not shown]" },
    ]);
    expect(sent?.map(({ role, content }) => [role, content]).slice(1, 4)).toEqual([
      ["assistant", ""],
      ["tool", "[picture: not shown]"],
      ["tool", "[no result of this call was kept]"],
    ]);
    const all = JSON.stringify(
      await Promise.all(["claude-code-media.jsonl", "claude-ai.json", "gemini-cli.jsonl"].map(resumeFile)),
    );
    expect(all).not.toMatch(/Hidden|API Error/);
    const [media] = await resumeFile("chatgpt-media.json");
    expect(media?.[0]?.content).toBe("What is in this pot?\n[audio: not shown]\n[picture: not shown]");
    expect(JSON.stringify(media)).not.toMatch(/Cooks at home|Thought for|A pot of soup|Internal listing/);
  });
});

describe("content of other programs", () => {
  const user = (content: Json): Json => ({ id: "u", role: "user", content, ...at });

  test.for<[string, Json, unknown]>([
    [
      "a picture of OpenAI's",
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
      "image",
    ],
    ["a picture of the Responses API", { type: "input_image", image_url: `data:image/png;base64,${PNG}` }, "image"],
    ["a picture of LangChain's", { type: "image", source_type: "base64", mime_type: "image/png", data: PNG }, "image"],
    ["a picture of Gemini's", { inlineData: { mimeType: "image/png", data: PNG } }, "image"],
    ["a picture by its address", { type: "image", source: { type: "url", url: "https://x.example/a.png" } }, "image"],
    [
      "a picture that no server reads",
      { type: "image", source: { type: "base64", media_type: "image/heic", data: PNG } },
      "[picture, image/heic: not shown]",
    ],
    [
      "a picture that is damaged",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "%%" } },
      "[picture, image/png: not shown]",
    ],
    ["audio", { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }, "[audio: not shown]"],
    [
      "a document's text",
      { type: "document", source: { type: "text", media_type: "text/plain", data: "the words" } },
      "the words",
    ],
    ["output text", { type: "output_text", text: "said", annotations: [] }, "said"],
    ["a call in the content", { type: "tool_use", id: "a", name: "look", input: {} }, "[called the tool look]"],
    [
      "a result in the content",
      { type: "tool_result", tool_use_id: "a", content: [{ type: "text", text: "rain" }] },
      "rain",
    ],
    ["what nobody knows", { type: "hologram", depth: 3 }, "[content of the kind hologram: not shown]"],
    ["a number", 7, undefined],
    ["what a model thought", { type: "thinking", thinking: "Hidden", signature: "x" }, undefined],
    ["what another thought, as text", { type: "reasoning", text: "Hidden" }, undefined],
  ])("%s", async ([, block, expected]) => {
    const sent = await resume([
      user([block]),
      { id: "a", role: "assistant", content: "Yes.", status: "complete", ...at },
    ]);
    const content = sent[0]?.content;
    if (expected === "image") expect(content).toMatchObject([{ type: "image_url" }]);
    else expect(content).toBe(expected ?? "Yes.");
  });
});

const block = fc.oneof(
  fc.constantFrom<Json>(
    "",
    "words",
    7,
    null,
    { type: "text", text: "" },
    { type: "text", text: "words" },
    { text: "words" },
  ),
  fc.record({
    type: fc.constantFrom(
      "image",
      "image_url",
      "audio",
      "file",
      "thinking",
      "tool_use",
      "tool_result",
      "video_url",
      "",
    ),
    text: fc.constantFrom("", "words"),
    data: fc.constantFrom(PNG, "", "%"),
    mime_type: fc.constantFrom("image/png", "image/tiff", "audio/wav", ""),
    url: fc.constantFrom("", "file:///etc/passwd", "javascript:1", "https://x.example/a.png"),
  }),
);
const content = fc.oneof(fc.constantFrom("", " ", "words"), fc.array(block, { maxLength: 4 }));
const callId = fc.constantFrom("a", "b", "call-0c1d2e3f-4a5b-4c6d-8e7f-000000000001-long", "", "with space");
const anyMessage = fc.oneof(
  fc.record({ role: fc.constantFrom("system", "user"), content }),
  fc.record({
    role: fc.constant("assistant"),
    content,
    toolCalls: fc.array(
      fc.record({ id: callId, name: fc.constantFrom("look", "web.run", "", "x".repeat(90)), args: fc.constant({}) }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ role: fc.constant("tool"), content, toolCallId: callId, name: fc.constantFrom("look", "web.run") }),
);

test("any conversation at all is sent as a strict server takes it, and the state keeps the original", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { maxLength: 10 }), async (messages) => {
      const whole = messages.map((message, index) => ({ id: `m${index}`, ...at, ...message }));
      const before = JSON.stringify(whole);
      toModelSequence(whole);
      expect(JSON.stringify(whole)).toBe(before);
      await resume(whole);
    }),
    { numRuns: 150 },
  );
}, 120_000);
