/** Threads out of LangGraph's SqliteSaver: equal tuple by tuple, and the graph resumes on draftstate. */
import { Annotation, Command, interrupt, Send, START, StateGraph } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { copyThreads, DraftstateSaver } from "draftstate/langgraph";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directory } from "./programs.mjs";

const State = Annotation.Root({
  log: Annotation({ reducer: (left, right) => [...left, ...right], default: () => [] }),
});

function graphOn(checkpointer) {
  const inner = new StateGraph(State)
    .addNode("ask", () => ({ log: [String(interrupt("who?"))] }))
    .addEdge(START, "ask")
    .compile();
  return new StateGraph(State)
    .addNode("split", () => ({ log: ["split"] }))
    .addNode("part", ({ log }) => ({ log: [`part of ${log.length}`] }))
    .addNode("sub", inner)
    .addEdge(START, "split")
    .addConditionalEdges("split", () => [new Send("part", { log: ["a"] }), new Send("part", { log: [] }), "sub"])
    .compile({ checkpointer });
}

async function tuplesOf(saver, threadId) {
  const found = [];
  for await (const tuple of saver.list({ configurable: { thread_id: threadId } })) found.push(tuple);
  return found.sort((left, right) => (JSON.stringify(left.config) < JSON.stringify(right.config) ? -1 : 1));
}

test("copyThreads out of SqliteSaver", async () => {
  const cwd = await directory();
  const from = SqliteSaver.fromConnString(join(cwd, "threads.db"));
  const config = (id) => ({ configurable: { thread_id: id } });
  await graphOn(from).invoke({ log: ["first"] }, config("one"));
  await graphOn(from).invoke(new Command({ resume: "Ann" }), config("one"));
  await graphOn(from).updateState(config("one"), { log: ["edited"] }, "split");
  await graphOn(from).invoke({ log: ["two"] }, config("Two/2"));

  const to = new DraftstateSaver({ stateDir: join(cwd, "state"), backupDir: join(cwd, "backup") });
  const results = await copyThreads(from, to);
  const counts = Object.fromEntries(results);
  for (const threadId of results.keys()) expect(await tuplesOf(to, threadId)).toEqual(await tuplesOf(from, threadId));
  expect([...results.keys()].sort()).toEqual(["Two/2", "one"]);
  expect([...(await copyThreads(from, to)).values()].every(({ copied }) => copied === 0)).toBe(true);
  const resumed = await graphOn(to).invoke(new Command({ resume: "Bob" }), config("Two/2"));
  expect(resumed).toEqual(await graphOn(from).invoke(new Command({ resume: "Bob" }), config("Two/2")));
  await to.close();
  console.log(counts);
});
