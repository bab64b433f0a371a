/** Answers without end stop where they could no longer be read back, and a key that a server says is nowhere. */
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { describe, expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import type { TurnEvent } from "../../src/agent/turn.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { AnswerPart } from "../../src/session/record-answer.js";
import { contents } from "../doubles/contents.js";
import { managerWithin, memory } from "../doubles/managers.js";

const KEY = ["sk", "live", "0123456789abcdef"].join("-");

class Says extends SimpleChatModel {
  given = 0;
  hasStopped = false;

  constructor(private readonly chunks: (at: number) => AIMessageChunk | undefined) {
    super({});
  }

  _llmType(): string {
    return "says";
  }

  _call(): Promise<string> {
    return Promise.resolve("");
  }

  override async *_streamResponseChunks(): AsyncGenerator<ChatGenerationChunk> {
    try {
      for (let message = this.chunks(this.given++); message !== undefined; message = this.chunks(this.given++)) {
        yield new ChatGenerationChunk({ message, text: "" });
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.hasStopped = true;
    }
  }
}

const text = (content: string, more: object = {}): AIMessageChunk => new AIMessageChunk({ content, ...more });

async function ask(manager: DraftStatePersistenceManager, model: Says): Promise<TurnEvent[]> {
  const agent = new DraftHybridStreamingAgent({ model, manager, secrets: [KEY] });
  const conversation = await agent.open("chat");
  const events: TurnEvent[] = [];
  for await (const event of agent.runTurn(conversation, "Go")) events.push(event);
  await conversation.close();
  return events;
}

describe("an answer without end", () => {
  test.each([
    ["text", { answerBytes: 2000, fileBytes: 1e6 }, (): AIMessageChunk => text("0123456789")],
    ["a full file", { answerBytes: 1e6, fileBytes: 20_000 }, (): AIMessageChunk => text('\u0001"é')],
    [
      "reasoning",
      { answerBytes: 2000, fileBytes: 1e6 },
      (at: number): AIMessageChunk =>
        at === 0 ? text("Hm") : text("", { additional_kwargs: { reasoning_content: "thinking " } }),
    ],
  ])("is stopped, kept and reported: %s", async (_what, limits, chunk) => {
    const storage = memory();
    const model = new Says(chunk);
    const manager = managerWithin(storage, limits);
    const end = (await ask(manager, model)).at(-1);
    expect(end).toMatchObject({ type: "end", status: "interrupted", error: { code: "MODEL" } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([model.hasStopped, model.given < 1000]).toEqual([true, true]);
    // And all of it is read back, within the same limits; the conversation goes on where it has room.
    const answer = (await managerWithin(storage, limits).loadState("chat"))?.messages.at(-1);
    expect(answer).toMatchObject({ role: "assistant", status: "interrupted", error: { code: "MODEL" } });
    expect(JSON.stringify(answer).length).toBeGreaterThan(1000);
    expect(await managerWithin(storage, limits).backup("chat")).toBeTruthy();
    await manager.close();
  });

  test("is read no further than it can be kept, whatever the queue between", async () => {
    const manager = managerWithin(memory(), undefined);
    const model = new Says(() => text("0123456789abcdef".repeat(2 ** 14)));
    const end = (await ask(manager, model)).at(-1);
    expect(end).toMatchObject({ status: "interrupted", error: { code: "MODEL" } });
    expect(model.given).toBeLessThan(300);
    // 32 MiB less what stands around each token in JSON.
    expect(end?.state.messages.at(-1)?.content.length).toBeGreaterThan(31 * 2 ** 20);
    await manager.close();
  });

  test("of a program's own model loop is the same", async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<AnswerPart> {
      try {
        for (;;) {
          await Promise.resolve();
          yield "0123456789";
        }
      } finally {
        isClosed = true;
      }
    }
    const manager = managerWithin(memory(), { answerBytes: 1000, fileBytes: 1e6 });
    const conversation = await manager.open("own");
    const events = [];
    for await (const event of conversation.recordAnswer(endless(), { message: "Go" })) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "end", status: "interrupted", error: { code: "MODEL" } });
    expect(conversation.state.messages.at(-1)).toMatchObject({ status: "interrupted" });
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect([conversation.state.messages.at(-1)?.content.length, isClosed]).toEqual([830, true]);
    await manager.close();
  });
});

describe("a key that the server says in its answer", () => {
  test("is neither shown nor stored, in text, reasoning, calls, reasons and errors, and that is told", async () => {
    const storage = memory();
    const chunks = [
      text("", { additional_kwargs: { reasoning_content: `I got ${KEY.slice(0, 9)}` } }),
      text("", { additional_kwargs: { reasoning_content: KEY.slice(9) } }),
      text(`Your key is ${KEY}, again ${KEY.slice(0, 12)}`),
      text(KEY.slice(12)),
      text("", {
        tool_call_chunks: [{ index: 0, id: "1", name: "x", args: JSON.stringify({ [KEY]: KEY }) }],
      }),
      undefined,
      text("Once more", {
        response_metadata: { finish_reason: `because ${KEY}` },
        tool_call_chunks: [{ index: 0, id: "2", name: "x", args: `{"${KEY}` }],
      }),
    ];
    const manager = managerWithin(storage, undefined);
    const events = await ask(manager, new Says((at) => chunks[at]));
    await manager.close();
    expect(JSON.stringify([events, await contents(storage, ["state", "backup"])])).not.toContain(KEY.slice(12));
    const answer = events.findLast(({ state }) => state.messages.length > 1)?.state.messages[1];
    expect(answer?.content).toBe("Your key is [redacted], again [redacted]");
    expect(events.at(-1)).toMatchObject({ type: "end", warnings: [expect.stringContaining("your key")] });
  });

  test("is in no error, whichever fails", async () => {
    const failing = new Says((at) => {
      if (at === 0) return text("Hm");
      throw new Error(`invalid key ${KEY}`);
    });
    const manager = managerWithin(memory(), undefined);
    const end = (await ask(manager, failing)).at(-1);
    expect(end).toMatchObject({ error: { code: "MODEL", message: expect.not.stringContaining(KEY) as string } });
    await manager.close();
  });
});
