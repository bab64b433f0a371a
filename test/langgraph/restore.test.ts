/** A checkpoint restored from outside LangGraph: the graph takes it for its own, and continues from there. */
import { Annotation, Command, interrupt, START, StateGraph } from "@langchain/langgraph";
import { expect, test } from "vitest";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import { restoreThread } from "../../src/operations/graph-threads/restore-thread.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";
import { putLine } from "../doubles/threads.js";

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (before, added) => [...before, ...added], default: () => [] }),
});

const config = { configurable: { thread_id: "t" } };

test("the graph continues from a restored checkpoint, and the newer ones stay in its history", async () => {
  const saver = new DraftstateSaver({ storage: memory(), telemetry: false });
  const graph = new StateGraph(State)
    .addNode("echo", ({ log }) => ({ log: [`echo ${log.at(-1) ?? ""}`] }))
    .addEdge(START, "echo")
    .compile({ checkpointer: saver });
  await graph.invoke({ log: ["one"] }, config);
  const first = (await graph.getState(config)).config.configurable?.["checkpoint_id"] as string;
  await graph.invoke({ log: ["two"] }, config);
  const { checkpoint, previous } = await restoreThread(saver.manager.threads, "t", first);
  const { values, next, config: now } = await graph.getState(config);
  expect([values, next, now.configurable?.["checkpoint_id"]]).toEqual([{ log: ["one", "echo one"] }, [], checkpoint]);
  expect(await graph.invoke({ log: ["three"] }, config)).toEqual({ log: ["one", "echo one", "three", "echo three"] });
  const before = await graph.getState({ configurable: { ...config.configurable, checkpoint_id: previous } });
  expect((before.values as { log: string[] }).log.at(-1)).toBe("echo two");
  await saver.close();
});

test("a node that asked a person asks again, and takes the answer", async () => {
  const saver = new DraftstateSaver({ storage: memory(), telemetry: false });
  const graph = new StateGraph(State)
    .addNode("ask", () => ({ log: [String(interrupt("who?"))] }))
    .addEdge(START, "ask")
    .compile({ checkpointer: saver });
  await graph.invoke({ log: ["hello"] }, config);
  const asking = (await graph.getState(config)).config.configurable?.["checkpoint_id"] as string;
  await graph.invoke(new Command({ resume: "Ann" }), config);
  await restoreThread(saver.manager.threads, "t", asking);
  expect((await graph.getState(config)).next).toEqual(["ask"]);
  await graph.invoke(null, config);
  expect(await graph.invoke(new Command({ resume: "Bob" }), config)).toEqual({ log: ["hello", "Bob"] });
  await saver.close();
});

test("where no new id is known to be the newest, nothing is written", async () => {
  const saver = new DraftstateSaver({ storage: memory(), telemetry: false });
  const { threads } = saver.manager;
  await putLine(threads.get("t"), [{ a: 1 }, { b: 2 }]);
  expect(await codeRejected(restoreThread(threads, "t", "@1"))).toBe("INVALID_STATE");
  expect(await codeRejected(restoreThread(threads, "none", "@1"))).toBe("NOT_FOUND");
  await saver.close();
});
