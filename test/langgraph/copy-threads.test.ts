/** Threads of another saver, copied through the interface that all have: equal tuple by tuple, and resumed where it was cut off. */
import { Annotation, Command, interrupt, MemorySaver, Send, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { expect, test } from "vitest";
import { copyThreads, DraftstateSaver } from "../../src/langgraph/index.js";
import { memory } from "../doubles/managers.js";

async function tuplesOf(saver: BaseCheckpointSaver, threadId: string): Promise<CheckpointTuple[]> {
  const found: CheckpointTuple[] = [];
  for await (const tuple of saver.list({ configurable: { thread_id: threadId } })) found.push(tuple);
  const key = ({ config }: CheckpointTuple): string => JSON.stringify(config.configurable);
  return found.sort((left, right) => (key(left) < key(right) ? -1 : 1));
}

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] }),
});

/** With a subgraph that waits for a person, parallel tasks, and a fork. */
function graphOn(checkpointer: BaseCheckpointSaver) {
  const inner = new StateGraph(State)
    .addNode("ask", () => ({ log: [String(interrupt("who?"))] }))
    .addEdge(START, "ask")
    .compile();
  return new StateGraph(State)
    .addNode("split", () => ({ log: ["split"] }))
    .addNode("part", ({ log }: { log: string[] }) => ({ log: [`part of ${log.length}`] }))
    .addNode("sub", inner)
    .addEdge(START, "split")
    .addConditionalEdges("split", () => [new Send("part", { log: ["a"] }), new Send("part", { log: [] }), "sub"])
    .compile({ checkpointer });
}

async function filled(): Promise<MemorySaver> {
  const saver = new MemorySaver();
  const graph = graphOn(saver);
  const one = { configurable: { thread_id: "one" } };
  await graph.invoke({ log: ["first"] }, one);
  await graph.invoke(new Command({ resume: "Ann" }), one);
  await graph.updateState(one, { log: ["edited"] }, "split");
  await graph.invoke({ log: ["two"] }, { configurable: { thread_id: "Two/2" } });
  return saver;
}

test("every tuple of every thread is the same, pending writes included, and the graph resumes", async () => {
  const [from, to] = [await filled(), new DraftstateSaver({ storage: memory(), telemetry: false })];
  const results = await copyThreads(from, to);
  expect([...results.keys()].sort()).toEqual(["Two/2", "one"]);
  for (const threadId of results.keys()) expect(await tuplesOf(to, threadId)).toEqual(await tuplesOf(from, threadId));
  const resumed = async (saver: BaseCheckpointSaver): Promise<string[]> =>
    (await graphOn(saver).invoke(new Command({ resume: "Bob" }), { configurable: { thread_id: "Two/2" } })).log;
  const log = await resumed(to);
  expect(log).toContain("Bob");
  expect(log).toEqual(await resumed(from));
  await to.close();
});

test("what was copied is skipped the next time, and what was cut off is finished", async () => {
  const [from, to] = [await filled(), new DraftstateSaver({ storage: memory(), telemetry: false })];
  const total = (await tuplesOf(from, "one")).length;
  let left = 3;
  const breaking = new Proxy(to, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return (...args: unknown[]): unknown => {
        if (name === "putWrites" && (left -= 1) < 0) throw new Error("cut off");
        return Reflect.apply(method, target, args) as unknown;
      };
    },
  });
  await expect(copyThreads(from, breaking, { threadIds: ["one"] })).rejects.toThrow("cut off");
  const told: unknown[] = [];
  const again = await copyThreads(from, to, { threadIds: ["one"], onThread: (...args) => told.push(args) });
  const { copied = 0, skipped = 0 } = again.get("one") ?? {};
  expect(copied + skipped).toBe(total);
  expect(skipped).toBeGreaterThan(0);
  expect(told).toEqual([["one", { copied, skipped }]]);
  expect(await tuplesOf(to, "one")).toEqual(await tuplesOf(from, "one"));
  expect((await copyThreads(from, to, { threadIds: ["one"] })).get("one")).toEqual({ copied: 0, skipped: total });
  await to.close();
});
