/** The token log on graphs of others: every token is on disk under its run, namespace, node and message until its node has written. */
import { AIMessage, AIMessageChunk, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import {
  Command,
  END,
  interrupt,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  type BaseCheckpointSaver,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { DraftstateSaver, type Partial } from "../../src/langgraph/index.js";
import { DraftstateError } from "../../src/errors.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";

/** Streams the words; `before` is called with each one's position, and may wait or throw. */
class Words extends SimpleChatModel {
  constructor(
    private readonly words: readonly string[],
    private readonly before: (at: number) => Promise<void> = () => Promise.resolve(),
  ) {
    super({});
  }

  _llmType(): string {
    return "words";
  }

  _call(): Promise<string> {
    return Promise.resolve(this.words.join(""));
  }

  override async *_streamResponseChunks(
    _messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const [at, text] of this.words.entries()) {
      await this.before(at);
      const chunk = new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) });
      yield chunk;
      await run?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
  }
}

const WORDS = ["Once", " upon", " a", " time", " there", " was"];

function saverOver(storage: MemoryStorage): DraftstateSaver {
  return new DraftstateSaver({ storage, telemetry: false });
}

function speaking(model: Words, checkpointer?: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addEdge(START, "agent")
    .addEdge("agent", END)
    .compile(checkpointer === undefined ? {} : { checkpointer });
}

/** The log as a process that is killed now would leave it: what is durable, and the lock of a dead owner. */
async function afterKill(storage: MemoryStorage): Promise<MemoryStorage> {
  const copy = memory();
  await copy.prepare();
  for (const name of await storage.list("state")) {
    const key = { area: "state", name } as const;
    await copy.replace(key, (await storage.read(key)) ?? new Uint8Array());
  }
  return copy;
}

const config = { configurable: { thread_id: "t" } };
const input = { messages: [new HumanMessage("tell me a story")] };

describe("an answer that is cut off", () => {
  test("every token that was durable is there after a kill, under its node and message", async () => {
    const storage = memory();
    const saver = saverOver(storage);
    const tokens = saver.tokens();
    let killed: MemoryStorage | undefined;
    const model = new Words(WORDS, async (at) => {
      if (at !== 4) return;
      await tokens.durable();
      killed = await afterKill(storage);
    });
    await speaking(model, saver).invoke(input, { ...config, callbacks: [tokens] });
    expect(await saver.partials(config)).toEqual([]);
    await saver.close();
    const next = saverOver(killed ?? memory());
    const [partial, ...others] = await next.partials(config);
    expect(others).toEqual([]);
    expect(partial).toMatchObject({
      threadId: "t",
      namespace: "",
      node: "agent",
      text: "Once upon a time",
      toolCallChunks: [],
    });
    expect(partial?.messageId).toMatch(/^run-/);
    await next.close();
  });

  test("it is kept as an interrupted message of its node, once, and the thread resumes behind it", async () => {
    const storage = memory();
    const saver = saverOver(storage);
    const failing = new Words(WORDS, (at) => (at === 3 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
    const run = speaking(failing, saver).invoke(input, { ...config, callbacks: [saver.tokens()] });
    await expect(run).rejects.toThrow("cut off");
    await saver.close();
    const next = saverOver(storage);
    const graph = speaking(new Words(["fine"]), next);
    const [partial] = (await next.partials(config)) as [Partial];
    expect(partial.text).toBe("Once upon a");
    await next.keepPartial(graph, config, partial);
    const state = await graph.getState(config);
    const messages = (state.values as { messages: BaseMessage[] }).messages;
    expect(messages.map(({ content }) => content)).toEqual(["tell me a story", "Once upon a"]);
    expect(messages[1]).toBeInstanceOf(AIMessage);
    expect(messages[1]?.response_metadata).toEqual({ draftstate: { status: "interrupted" } });
    expect(state.next).toEqual([]);
    expect(await next.partials(config)).toEqual([]);
    expect(await codeRejected(next.keepPartial(graph, config, partial))).toBe("NOT_FOUND");
    const after = await graph.invoke({ messages: [new HumanMessage("go on")] }, config);
    expect(after.messages.map(({ content }) => content)).toEqual(["tell me a story", "Once upon a", "go on", "fine"]);
    await next.close();
  });

  test("dropped, it is gone; the node runs again", async () => {
    const storage = memory();
    const saver = saverOver(storage);
    const failing = new Words(WORDS, (at) => (at === 3 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
    await speaking(failing, saver)
      .invoke(input, { ...config, callbacks: [saver.tokens()] })
      .catch(() => undefined);
    const [partial] = (await saver.partials(config)) as [Partial];
    await saver.dropPartial(config, partial);
    expect(await saver.partials(config)).toEqual([]);
    const resumed = await speaking(new Words(["fine"]), saver).invoke(null, { ...config, callbacks: [saver.tokens()] });
    expect(resumed.messages.at(-1)?.content).toBe("fine");
    await saver.close();
  });

  test("once its node has run again and written, it is dropped of itself", async () => {
    const saver = saverOver(memory());
    const failing = new Words(WORDS, (at) => (at === 3 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
    await speaking(failing, saver)
      .invoke(input, { ...config, callbacks: [saver.tokens()] })
      .catch(() => undefined);
    await speaking(new Words(["fine"]), saver).invoke(null, { ...config, callbacks: [saver.tokens()] });
    expect(await saver.partials(config)).toEqual([]);
    await saver.close();
  });

  test("where the thread has moved on it is not kept: it would stand behind later turns", async () => {
    const saver = saverOver(memory());
    const failing = new Words(WORDS, (at) => (at === 3 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
    await speaking(failing, saver)
      .invoke(input, { ...config, callbacks: [saver.tokens()] })
      .catch(() => undefined);
    const [partial] = (await saver.partials(config)) as [Partial];
    const graph = speaking(new Words(["fine"]), saver);
    await graph.invoke({ messages: [new HumanMessage("another question")] }, config);
    expect(await saver.partials(config)).toHaveLength(1);
    expect(await codeRejected(saver.keepPartial(graph, config, partial))).toBe("INVALID_STATE");
    await saver.close();
  });
});

describe.each(["sync", "async", "exit"] as const)("with durability %s", (durability) => {
  test("a run that ended well leaves nothing on the token log", async () => {
    const storage = memory();
    const saver = saverOver(storage);
    const inner = speaking(new Words(WORDS));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("sub", inner)
      .addNode("direct", async ({ messages }) => ({ messages: [await new Words(["yes"]).invoke(messages)] }))
      .addEdge(START, "sub")
      .addEdge("sub", "direct")
      .compile({ checkpointer: saver });
    await graph.invoke(input, { ...config, durability, callbacks: [saver.tokens()] });
    expect(await saver.partials(config)).toEqual([]);
    await saver.close();
    const reader = saverOver(storage);
    expect(await reader.partials(config)).toEqual([]);
    await reader.close();
  });
});

test("one that is kept is continued by its node, with the text so far before it", async () => {
  const saver = saverOver(memory());
  const failing = new Words(WORDS, (at) => (at === 3 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
  await speaking(failing, saver)
    .invoke(input, { ...config, callbacks: [saver.tokens()] })
    .catch(() => undefined);
  const graph = speaking(new Words([" time"]), saver);
  const [partial] = (await saver.partials(config)) as [Partial];
  await saver.keepPartial(graph, config, partial);
  const update = { messages: [new HumanMessage("Continue.")] };
  const { messages } = await graph.invoke(new Command({ goto: "agent", update }), config);
  expect(messages.map(({ content }) => content)).toEqual(["tell me a story", "Once upon a", "Continue.", " time"]);
  await saver.close();
});

test("parallel nodes and subgraphs stream at the same time without mixing", async () => {
  const storage = memory();
  const saver = saverOver(storage);
  const tokens = saver.tokens();
  const turns = (name: string) => Array.from({ length: 20 }, (_, at) => `${name}${at} `);
  let open = 0;
  let killed: MemoryStorage | undefined;
  // All of them are under way when the process is killed.
  const before = async (at: number): Promise<void> => {
    if (at !== 10) return new Promise((resolve) => setImmediate(resolve));
    open += 1;
    while (open < 4) await new Promise((resolve) => setImmediate(resolve));
    await tokens.durable();
    killed ??= await afterKill(storage);
  };
  const sub = new StateGraph(MessagesAnnotation)
    .addNode("inner", async ({ messages }) => ({ messages: [await new Words(turns("s"), before).invoke(messages)] }))
    .addEdge(START, "inner")
    .compile();
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("left", async ({ messages }) => ({ messages: [await new Words(turns("l"), before).invoke(messages)] }))
    .addNode("each", async ({ messages }) => ({ messages: [await new Words(turns("e"), before).invoke(messages)] }))
    .addNode("sub", sub)
    .addConditionalEdges(START, (state) => ["left", "sub", new Send("each", state), new Send("each", state)])
    .compile({ checkpointer: saver });
  await graph.invoke(input, { ...config, callbacks: [tokens] });
  expect(await saver.partials(config)).toEqual([]);
  await saver.close();
  const reader = saverOver(killed ?? memory());
  const partials = await reader.partials(config);
  const found = partials.map(({ namespace, node, text }) => `${namespace.replace(/:.*/, "")}/${node}: ${text}`).sort();
  const upTo = (name: string) => turns(name).slice(0, 10).join("");
  expect(found).toEqual([
    `/each: ${upTo("e")}`,
    `/each: ${upTo("e")}`,
    `/left: ${upTo("l")}`,
    `sub/inner: ${upTo("s")}`,
  ]);
  await reader.close();
});

test("a partial within a subgraph is kept there, and the graph resumes", async () => {
  const storage = memory();
  const build = (saver: DraftstateSaver, model: Words) =>
    new StateGraph(MessagesAnnotation)
      .addNode("sub", speaking(model))
      .addEdge(START, "sub")
      .compile({ checkpointer: saver });
  const saver = saverOver(storage);
  const failing = new Words(WORDS, (at) => (at === 2 ? Promise.reject(new Error("cut off")) : Promise.resolve()));
  await build(saver, failing)
    .invoke(input, { ...config, callbacks: [saver.tokens()] })
    .catch(() => undefined);
  await saver.close();
  const next = saverOver(storage);
  const graph = build(next, new Words(["again"]));
  const [partial] = (await next.partials(config)) as [Partial];
  expect(partial.namespace).toMatch(/^sub:/);
  await next.keepPartial(graph, config, partial);
  const done = await graph.invoke(null, config);
  expect(done.messages.map(({ content }) => content)).toEqual(["tell me a story", "Once upon"]);
  expect(await next.partials(config)).toEqual([]);
  await next.close();
});

test("an answer of a node that a person interrupts stays until the node has written", async () => {
  const saver = saverOver(memory());
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      const answer = await new Words(["yes"]).invoke(messages);
      interrupt("may I?");
      return { messages: [answer] };
    })
    .addEdge(START, "agent")
    .compile({ checkpointer: saver });
  await graph.invoke(input, { ...config, callbacks: [saver.tokens()] });
  expect((await saver.partials(config)).map(({ text }) => text)).toEqual(["yes"]);
  await saver.close();
});

test("a model call outside a graph has its thread from the options", async () => {
  const saver = saverOver(memory());
  const tokens = saver.tokens({ threadId: "alone" });
  await new Words(WORDS).invoke("hi", { callbacks: [tokens] });
  await tokens.durable();
  const [partial] = await saver.partials({ configurable: { thread_id: "alone" } });
  expect(partial).toMatchObject({ node: "", text: WORDS.join("") });
  await saver.close();
});

test("a token costs at most 150 bytes, the thousandth like the first", async () => {
  const storage = memory();
  const saver = saverOver(storage);
  const tokens = saver.tokens({ threadId: "t" });
  const sizes: number[] = [];
  const size = async (): Promise<number> => (await storage.stat({ area: "state", name: "t.000001.thread" }))?.size ?? 0;
  const model = new Words(
    Array.from({ length: 1000 }, () => " word"),
    async (at) => {
      if (at % 100 !== 1) return;
      await tokens.durable();
      sizes.push(await size());
    },
  );
  await model.invoke("hi", { callbacks: [tokens] });
  const costs = sizes.slice(1).map((after, at) => (after - (sizes[at] ?? 0)) / 100);
  expect(Math.max(...costs)).toBeLessThan(100);
  expect(Math.max(...costs) - Math.min(...costs)).toBeLessThan(2);
  await saver.close();
});

test("a token that could not be written makes `durable` reject, and is written with the next", async () => {
  const storage = new FaultyStorage(memory());
  const manager = managerOver(storage);
  const saver = new DraftstateSaver({ manager });
  const tokens = saver.tokens({ threadId: "t" });
  const model = new Words(WORDS, async (at) => {
    if (at === 2)
      storage.setFault((call) => (call === "createLog" ? new DraftstateError("STORAGE", "full") : undefined));
    if (at === 2) await saver.close();
    if (at === 4) expect(await codeRejected(tokens.durable())).toBe("STORAGE");
    if (at === 4) storage.setFault(undefined);
  });
  await model.invoke("hi", { callbacks: [tokens] });
  await tokens.durable();
  expect((await saver.partials(config)).map(({ text }) => text)).toEqual([WORDS.join("")]);
  await manager.close();
});
