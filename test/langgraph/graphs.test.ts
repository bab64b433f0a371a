/** Graphs of LangGraph on the saver: whatever they do, the state and its history are those that LangGraph's own saver in memory keeps. */
import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  Command,
  END,
  interrupt,
  MemorySaver,
  messagesStateReducer,
  START,
  StateGraph,
  type BaseCheckpointSaver,
} from "@langchain/langgraph";
import { createAgent } from "langchain";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import { memory } from "../doubles/managers.js";

type Durability = "sync" | "async" | "exit";

const State = Annotation.Root({
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
  log: Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] }),
  fixed: Annotation<string>,
});

function build(checkpointer: BaseCheckpointSaver) {
  const inner = new StateGraph(State)
    .addNode("inner", () => ({ log: ["inner"] }))
    .addNode("ask", () => ({ log: [`told ${String(interrupt("who?"))}`] }))
    .addEdge(START, "inner")
    .addEdge("inner", "ask")
    .compile();
  return new StateGraph(State)
    .addNode("left", ({ messages }) => ({
      log: ["left"],
      messages: [new AIMessage({ id: `l${messages.length}`, content: "left" })],
    }))
    .addNode("right", () => ({ log: ["right"] }))
    .addNode("sub", inner)
    .addNode("end", () => ({ log: ["end"] }))
    .addEdge(START, "left")
    .addEdge(START, "right")
    .addEdge("left", "sub")
    .addEdge("sub", "end")
    .addEdge("end", END)
    .compile({ checkpointer });
}

type Graph = ReturnType<typeof build>;

/** Interrupt, resume, a second turn, a fork from the past that runs to its end, and a change by hand. */
async function live(graph: Graph, durability: Durability): Promise<void> {
  const config = { configurable: { thread_id: "t" }, durability };
  await graph.invoke({ messages: [new HumanMessage({ id: "1", content: "hi" })], fixed: "x".repeat(100) }, config);
  await graph.invoke(new Command({ resume: "Ann" }), config);
  await graph.invoke({ messages: [new HumanMessage({ id: "2", content: "again" })] }, config);
  await graph.invoke(new Command({ resume: "Bob" }), config);
  const past = (await history(graph)).at(durability === "exit" ? -1 : 4);
  if (past === undefined) throw new Error("no past");
  await graph.updateState(config, { log: ["by hand"] }, "left");
  await graph.invoke(null, { ...past.config, durability } as RunnableConfig);
}

async function history(graph: Graph) {
  const states = [];
  for await (const state of graph.getStateHistory({ configurable: { thread_id: "t" } })) states.push(state);
  return states;
}

/** Without what differs from run to run: ids and times. */
async function told(graph: Graph, saver: BaseCheckpointSaver): Promise<unknown> {
  const states = (await history(graph)).map(({ values, next, metadata, tasks }) => ({
    values,
    next,
    step: metadata?.step,
    source: metadata?.source,
    tasks: tasks.map(({ name, interrupts, error }) => ({
      name,
      interrupts: interrupts.map(({ value }) => value as unknown),
      error,
    })),
  }));
  const tuples: unknown[] = [];
  for await (const { checkpoint, pendingWrites, metadata, parentConfig } of saver.list({
    configurable: { thread_id: "t" },
  }))
    tuples.push({
      ns: parentConfig?.configurable?.["checkpoint_ns"] === "",
      // LangGraph's own also copies the defaults of channels that were never written.
      values: Object.fromEntries(
        Object.entries(checkpoint.channel_values).filter(([channel]) => channel in checkpoint.channel_versions),
      ),
      versions: checkpoint.channel_versions,
      writes: pendingWrites?.map(([, channel]) => channel),
      step: metadata?.step,
    });
  return { states, tuples };
}

/** The fields of every object in one order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, field]) => [key, ordered(field)]),
  );
}

/** Compared as text: instances of one class from two savers are equal where they say the same. */
function plain(value: unknown): unknown {
  return ordered(
    JSON.parse(JSON.stringify(value).replaceAll(/"(sub|inner|ask|left|right|end):[0-9a-f-]{36}/g, '"$1:task')),
  );
}

describe.each<Durability>(["sync", "async", "exit"])("with durability %s", (durability) => {
  test("a life with parallel nodes, a subgraph, interrupts, time travel and forks is kept as LangGraph keeps it", async () => {
    const ours = new DraftstateSaver({ storage: memory(), telemetry: false });
    const theirs = new MemorySaver();
    const [left, right] = [build(ours), build(theirs)];
    await live(right, durability);
    await live(left, durability);
    const [found, expected] = [await told(left, ours), await told(right, theirs)];
    const sorted = (text: unknown) =>
      (text as { tuples: unknown[] }).tuples.map((tuple) => JSON.stringify(tuple)).sort();
    expect(plain((found as { states: unknown }).states)).toEqual(plain((expected as { states: unknown }).states));
    expect(sorted(plain(found))).toEqual(sorted(plain(expected)));
    await ours.close();
  });
});

test("a ready-made agent with a tool that asks a person resumes in another process", async () => {
  const storage = memory();
  const asking = tool(({ city }) => `${city}: ${String(interrupt("may I?"))}`, {
    name: "weather",
    description: "weather",
    schema: z.object({ city: z.string() }),
  });
  const call = new AIMessage({
    content: "",
    tool_calls: [{ name: "weather", args: { city: "Bonn" }, id: "c1", type: "tool_call" }],
  });
  class Model extends FakeListChatModel {
    override bindTools(): this {
      return this;
    }
    override _generate(messages: BaseMessage[]) {
      const message = messages.length === 1 ? call : new AIMessage("done");
      return Promise.resolve({ generations: [{ text: "", message }] });
    }
  }
  const agentOver = (saver: DraftstateSaver) =>
    createAgent({ model: new Model({ responses: [] }), tools: [asking], checkpointer: saver });
  const config = { configurable: { thread_id: "t" } };
  const first = new DraftstateSaver({ storage, telemetry: false });
  await agentOver(first).invoke({ messages: [new HumanMessage("weather?")] }, config);
  await first.close();
  const second = new DraftstateSaver({ storage, telemetry: false });
  const agent = agentOver(second);
  const { tasks } = (await agent.graph.getState(config)) as {
    tasks: readonly { interrupts: readonly { value?: unknown }[] }[];
  };
  expect(tasks[0]?.interrupts[0]?.value).toBe("may I?");
  const { messages } = (await agent.invoke(new Command({ resume: "yes" }), config)) as { messages: BaseMessage[] };
  expect(messages.map(({ content }) => content)).toEqual(["weather?", "", "Bonn: yes", "done"]);
  await second.close();
});
