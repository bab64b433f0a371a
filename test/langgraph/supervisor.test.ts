/**
 * A supervisor that sends its subgraphs to work at the same time, all of them streaming: killed at every token, another process finds
 * each answer under its own graph and node, without a word of another, resumes, and ends as if nothing had happened.
 */
import { AIMessage, AIMessageChunk, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { Command, END, MessagesAnnotation, Send, START, StateGraph } from "@langchain/langgraph";
import { expect, test } from "vitest";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { memory } from "../doubles/managers.js";

const WORKERS = ["ann", "bob", "cid"];
const WORDS = 5;
const wordsOf = (speaker: string) => Array.from({ length: WORDS }, (_, at) => `${speaker}${at} `);
const config = { configurable: { thread_id: "team" } };

type Before = (speaker: string, at: number) => Promise<void>;

/** Says its words, one a chunk. */
class Speaker extends SimpleChatModel {
  constructor(
    private readonly speaker: string,
    private readonly before: Before,
  ) {
    super({});
  }

  _llmType(): string {
    return "speaker";
  }

  _call(): Promise<string> {
    return Promise.resolve(wordsOf(this.speaker).join(""));
  }

  override async *_streamResponseChunks(
    _messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const [at, text] of wordsOf(this.speaker).entries()) {
      await this.before(this.speaker, at);
      const chunk = new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) });
      yield chunk;
      await run?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
  }
}

/** It plans, sends every worker at once, and sums up when all have answered. */
function teamOn(saver: DraftstateSaver, before: Before) {
  const worker = (name: string) =>
    new StateGraph(MessagesAnnotation)
      .addNode("think", async ({ messages }) => ({ messages: [await new Speaker(name, before).invoke(messages)] }))
      .addNode("sign", () => ({ messages: [new AIMessage({ id: `signed-${name}`, content: `— ${name}` })] }))
      .addEdge(START, "think")
      .addEdge("think", "sign")
      .compile();
  const graph = new StateGraph(MessagesAnnotation).addNode(
    "supervisor",
    async ({ messages }: typeof MessagesAnnotation.State) => {
      const answer = await new Speaker("sup", before).invoke(messages);
      const hasAsked = messages.some(({ id }) => id?.startsWith("signed-"));
      const goto = hasAsked ? END : WORKERS.map((name) => new Send(name, { messages }));
      return new Command({ update: { messages: [answer] }, goto });
    },
    { ends: [...WORKERS, END] },
  );
  for (const name of WORKERS) graph.addNode(name, worker(name)).addEdge(name, "supervisor");
  return graph.addEdge(START, "supervisor").compile({ checkpointer: saver });
}

const saverOn = (storage: MemoryStorage) => new DraftstateSaver({ storage, telemetry: false, metrics: false });

/** What a process that is killed now leaves. */
async function left(storage: MemoryStorage): Promise<MemoryStorage> {
  const copy = memory();
  await copy.prepare();
  for (const name of await storage.list("state"))
    await copy.replace({ area: "state", name }, (await storage.read({ area: "state", name })) ?? new Uint8Array());
  return copy;
}

const textsOf = (messages: readonly BaseMessage[]) => messages.map(({ text }) => text);
const END_OF_ALL = [
  "go",
  wordsOf("sup").join(""),
  ...WORKERS.flatMap((name) => [wordsOf(name).join(""), `— ${name}`]),
  wordsOf("sup").join(""),
];

test("killed at every token, it resumes, and no answer has a word of another", async () => {
  const storage = memory();
  const saver = saverOn(storage);
  const tokens = saver.tokens();
  const kills: { readonly shown: ReadonlyMap<string, number>; readonly storage: MemoryStorage }[] = [];
  const shown = new Map<string, number>();
  let together = 0;
  const graph = teamOn(saver, async (speaker, at) => {
    // Workers wait for each other in the middle, so that all of them stream at once.
    if (speaker !== "sup" && at === 2) together += 1;
    while (speaker !== "sup" && at >= 2 && together < WORKERS.length) await new Promise(setImmediate);
    await tokens.durable();
    shown.set(speaker, at);
    kills.push({ shown: new Map(shown), storage: await left(storage) });
  });
  const input = { messages: [new HumanMessage({ id: "h", content: "go" })] };
  const whole = await graph.invoke(input, { ...config, callbacks: [tokens] });
  expect(textsOf(whole.messages)).toEqual(END_OF_ALL);
  expect(await saver.partials(config)).toEqual([]);
  await saver.close();

  let mostAtOnce = 0;
  for (const kill of kills) {
    const next = saverOn(kill.storage);
    const partials = await next.partials(config);
    for (const { namespace, node, text } of partials) {
      const speaker = namespace === "" ? "sup" : namespace.replace(/:.*/s, "");
      expect(node).toBe(namespace === "" ? "supervisor" : "think");
      expect(wordsOf(speaker).join("")).toContain(text);
      expect(text.startsWith(`${speaker}0 `) || text === "").toBe(true);
    }
    // What was shown of those that are under way is there, to the last word.
    const known = [...partials.map(({ text }) => text), ...(await writtenIn(next))].join("");
    for (const [speaker, at] of kill.shown)
      if (speaker !== "sup") expect(known).toContain(wordsOf(speaker).slice(0, at).join(""));
    mostAtOnce = Math.max(mostAtOnce, partials.length);
    const resumed = await teamOn(next, () => Promise.resolve()).invoke(null, { ...config, callbacks: [next.tokens()] });
    expect(textsOf(resumed.messages)).toEqual(END_OF_ALL);
    expect(await next.partials(config)).toEqual([]);
    await next.close();
  }
  expect(mostAtOnce).toBe(WORKERS.length);
  expect(kills).toHaveLength((WORKERS.length + 2) * WORDS);
});

/** Messages in checkpoints of all namespaces, and those that wait in writes. */
async function writtenIn(saver: DraftstateSaver): Promise<string[]> {
  const texts: string[] = [];
  for await (const { checkpoint, pendingWrites = [] } of saver.list(config)) {
    const values = [checkpoint.channel_values["messages"], ...pendingWrites.map(([, , value]) => value)];
    texts.push(...values.flatMap((value) => (Array.isArray(value) ? textsOf(value as BaseMessage[]) : [])));
  }
  return texts;
}
