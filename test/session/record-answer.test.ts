/** `recordAnswer`: a model loop of a program's own, kept as the agent keeps its own. */
import { describe, expect, test } from "vitest";
import type { Conversation } from "../../src/session/conversation.js";
import type { AnswerPart, RecordedEvent, RecordOptions } from "../../src/session/record-answer.js";
import { managerOver, memory } from "../doubles/managers.js";
import { codeRejected } from "../doubles/error-code.js";

const STOP = { finishReason: "stop", usage: { inputTokens: 3, outputTokens: 2 } };

async function* model(...parts: readonly (AnswerPart | Error)[]): AsyncGenerator<AnswerPart> {
  for (const part of parts) {
    await Promise.resolve();
    if (part instanceof Error) throw part;
    yield part;
  }
}

async function opened(): Promise<{ conversation: Conversation; reader: () => Promise<unknown> }> {
  const storage = memory();
  const conversation = await managerOver(storage).open("chat");
  return { conversation, reader: () => managerOver(storage).loadState("chat") };
}

async function record(
  conversation: Conversation,
  source: AsyncIterable<AnswerPart>,
  options: RecordOptions = { message: "Tell me" },
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of conversation.recordAnswer(source, options)) {
    expect(conversation.durableRevision).toBeGreaterThanOrEqual(event.revision);
    events.push(event);
  }
  return events;
}

const answersOf = ({ state }: Conversation): unknown[] =>
  state.messages.map(({ role, content, status, finishReason }) => [role, content, status, finishReason]);

describe("an answer that is recorded", () => {
  test("is told token by token once durable, and is complete with a finish reason, with a backup", async () => {
    const { conversation } = await opened();
    const events = await record(conversation, model("Once", " upon", STOP), { message: "Tell me", model: "mine:1" });
    expect(events.map(({ type }) => type)).toEqual(["start", "token", "token", "end"]);
    expect(new Set(events.map(({ messageId }) => messageId))).toEqual(new Set([conversation.state.messages[1]?.id]));
    expect(answersOf(conversation)).toEqual([
      ["user", "Tell me", undefined, undefined],
      ["assistant", "Once upon", "complete", "stop"],
    ]);
    expect(conversation.state.messages[1]).toMatchObject({ model: "mine:1", usage: STOP.usage, tokenCount: 2 });
    expect(await conversation.backup()).toBeTruthy();
  });

  test.each<[string, (AnswerPart | Error)[], string]>([
    ["no finish reason", ["Once"], "interrupted"],
    ["a finish reason that is a failure", ["Once", { finishReason: "error" }], "error"],
    ["a source that breaks", ["Once", new Error("gone")], "interrupted"],
    ["a source that breaks before it says anything", [new Error("gone")], "error"],
  ])("with %s is not complete", async (_label, parts, status) => {
    const { conversation } = await opened();
    const events = await record(conversation, model(...parts));
    expect(events.at(-1)).toMatchObject({ type: "end", status, error: { code: "MODEL" } });
    expect(conversation.state.messages[1]).toMatchObject({ status, error: { code: "MODEL" } });
  });

  test("lets tools answer in the middle, under ids of their own", async () => {
    const { conversation } = await opened();
    const call = { id: "c1", name: "weather", args: { city: "Bern" } };
    const result = { toolCallId: "c1", name: "weather", content: "sun" };
    await record(conversation, model("I look", { toolCalls: [call] }, { toolResult: result }, "Sun!", STOP));
    expect(answersOf(conversation)).toEqual([
      ["user", "Tell me", undefined, undefined],
      ["assistant", "I look", "complete", undefined],
      ["tool", "sun", undefined, undefined],
      ["assistant", "Sun!", "complete", "stop"],
    ]);
    expect(conversation.state.messages[1]?.toolCalls).toEqual([call]);
    expect(new Set(conversation.state.messages.map(({ id }) => id)).size).toBe(4);
  });

  test("is interrupted where its reader leaves, even a source that never says anything again", async () => {
    const { conversation, reader } = await opened();
    async function* endless(): AsyncGenerator<AnswerPart> {
      yield "Once";
      await new Promise(() => undefined);
    }
    for await (const event of conversation.recordAnswer(endless(), { message: "Tell me" }))
      if (event.type === "token") break;
    expect(answersOf(conversation)[1]).toEqual(["assistant", "Once", "interrupted", undefined]);
    expect(await reader()).toEqual(conversation.state);
    await record(conversation, model("Again", STOP));
    expect(answersOf(conversation)[3]).toEqual(["assistant", "Again", "complete", "stop"]);
  });

  test("is not complete for a reader that left before it was told all of it", async () => {
    const { conversation } = await opened();
    for await (const event of conversation.recordAnswer(model("Once", " upon", STOP), { message: "Tell me" }))
      if (event.type === "token") {
        // The model is through long before it leaves.
        await new Promise((resolve) => setTimeout(resolve, 20));
        break;
      }
    expect(answersOf(conversation)[1]).toEqual(["assistant", "Once upon", "interrupted", undefined]);
  });

  test("stops at its signal, and says so", async () => {
    const { conversation } = await opened();
    const stop = new AbortController();
    const events: string[] = [];
    const source = model("Once", " upon", " a", STOP);
    for await (const event of conversation.recordAnswer(source, { message: "Tell me", signal: stop.signal })) {
      events.push(event.type);
      if (event.type === "token") stop.abort();
    }
    expect(events).toEqual(["start", "token", "end"]);
    expect(conversation.state.messages[1]).toMatchObject({ status: "interrupted" });
  });

  test("ends when its conversation closes while the source says nothing", async () => {
    const { conversation, reader } = await opened();
    const silent = async function* (): AsyncGenerator<AnswerPart> {
      yield "Once";
      await new Promise(() => undefined);
    };
    const recorded = conversation.recordAnswer(silent(), { message: "Tell me" });
    await recorded.next();
    await recorded.next();
    const last = recorded.next().catch((error: unknown) => error);
    await conversation.close();
    await last;
    await expect(recorded.next()).resolves.toMatchObject({ done: true });
    expect(await reader()).toMatchObject({ messages: [{}, { content: "Once", status: "interrupted" }] });
  });

  test("is found interrupted under its own id where its writer dies", async () => {
    const storage = memory();
    const conversation = await managerOver(storage).open("chat");
    const events = conversation.recordAnswer(model("Once", " upon", STOP), { message: "Tell me" });
    await events.next();
    const { value } = await events.next();
    await storage.breakLock("chat");
    const found = await managerOver(storage).loadState("chat");
    expect(found?.messages[1]).toMatchObject({ id: value?.messageId, status: "interrupted" });
  });

  test("goes on in a state of the program's own, and refuses another meanwhile", async () => {
    const trip = await managerOver(memory()).open("trip", { initial: { budget: 1 } });
    const events = trip.recordAnswer(model("Once", STOP));
    await events.next();
    const second = trip.recordAnswer(model("Twice", STOP));
    expect(await codeRejected(second.next())).toBe("LOCKED");
    for await (const event of events) trip.update((draft) => void (draft.budget += event.type === "end" ? 1 : 0));
    expect(trip.state).toMatchObject({ budget: 2, messages: [{ content: "Once", status: "complete" }] });
  });

  test("waits for no disk where tokens are not saved as they come", async () => {
    const conversation = await managerOver(memory(), { saveOnToken: false }).open("chat");
    const types: string[] = [];
    for await (const { type } of conversation.recordAnswer(model("Once", STOP), { message: "x" })) types.push(type);
    expect(types).toEqual(["start", "token", "end"]);
  });
});
