/** What is let go of a thread, what stays because something needs it, and the way back. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Annotation, Command, interrupt, START, StateGraph } from "@langchain/langgraph";
import { DeltaSnapshot, emptyCheckpoint, type Checkpoint, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { describe, expect, test } from "vitest";
import { DraftstateSaver, type SaverOptions } from "../../src/langgraph/index.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";

function inMemory(): SaverOptions {
  return { storage: memory(), telemetry: false };
}

async function onFiles(): Promise<SaverOptions> {
  const root = await mkdtemp(join(tmpdir(), "draftstate-retention-"));
  return { stateDir: join(root, "state"), backupDir: join(root, "backup"), telemetry: false };
}

async function all(saver: DraftstateSaver, threadId = "t"): Promise<CheckpointTuple[]> {
  const found: CheckpointTuple[] = [];
  for await (const tuple of saver.list({ configurable: { thread_id: threadId } })) found.push(tuple);
  return found;
}

const idsOf = async (saver: DraftstateSaver, threadId?: string): Promise<string[]> =>
  (await all(saver, threadId)).map(({ checkpoint }) => checkpoint.id);

interface Step {
  readonly values?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
  readonly writes?: Record<string, unknown>;
}

/** A line of checkpoints c1, c2 … each with its writes. */
async function line(saver: DraftstateSaver, steps: readonly Step[], threadId = "t"): Promise<void> {
  let parent: string | undefined;
  for (const [at, { values = { n: at }, metadata = {}, writes = {} }] of steps.entries()) {
    const id = `c${at + 1}`;
    const channel_versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, at + 1]));
    const checkpoint: Checkpoint = { ...emptyCheckpoint(), id, channel_values: values, channel_versions };
    const config = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: parent } };
    const put = await saver.put(
      config,
      checkpoint,
      { source: "loop", step: at, parents: {}, ...metadata },
      channel_versions,
    );
    const list = Object.entries(writes);
    if (list.length > 0) await saver.putWrites(put, list, `task-${id}`);
    parent = id;
  }
}

describe("prune", () => {
  test("keeps the newest N, with all that they hold, and gives the rest back", async () => {
    const saver = new DraftstateSaver(inMemory());
    const messages = ["a", "b", "c", "d", "e"];
    await line(
      saver,
      messages.map((_, at) => ({ values: { messages: messages.slice(0, at + 1) }, writes: { n: at } })),
    );
    const before = await all(saver);
    expect((await saver.prune("t", { max: 2 }, { dryRun: true })).removed.map(({ id }) => id)).toEqual([
      "c3",
      "c2",
      "c1",
    ]);
    expect(await all(saver)).toEqual(before);
    const { kept } = await saver.prune("t", { max: 2 });
    expect(kept).toEqual([
      { namespace: "", id: "c5", reasons: ["newest 2"] },
      { namespace: "", id: "c4", reasons: ["newest 2"] },
    ]);
    expect(await all(saver)).toEqual(before.slice(0, 2));
    expect(await saver.undo("t")).toMatchObject({ operation: "prune", threadId: "t" });
    expect(await all(saver)).toEqual(before);
    expect(await codeRejected(saver.undo("t"))).toBe("NOT_FOUND");
    await saver.close();
  });

  test("what a later one removed stays away when an earlier one is undone", async () => {
    const saver = new DraftstateSaver(inMemory());
    await line(saver, [{}, {}, {}, {}]);
    const before = await all(saver);
    const ids = async (): Promise<string[]> => (await all(saver)).map(({ checkpoint }) => checkpoint.id);
    await saver.prune("t", { max: 3 });
    const [first] = await saver.manager.operations();
    await saver.prune("t", { max: 2 });
    expect(await ids()).toEqual(["c4", "c3"]);
    await saver.manager.undo("t", { kind: "thread", at: first?.at ?? "" });
    expect(await ids()).toEqual(["c4", "c3", "c1"]);
    await saver.undo("t");
    expect(await all(saver)).toEqual(before);
    await saver.close();
  });

  test("what came after it stays when it is undone", async () => {
    const options = inMemory();
    const saver = new DraftstateSaver(options);
    await line(saver, [{}, {}, {}]);
    await saver.prune("t", { max: 1 });
    const config = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: "c3" } };
    const checkpoint = { ...emptyCheckpoint(), id: "c4", channel_values: { n: "new" }, channel_versions: { n: 9 } };
    await saver.put(config, checkpoint, { source: "loop", step: 3, parents: {} }, { n: 9 });
    await saver.undo("t");
    await saver.close();
    const reader = new DraftstateSaver(options);
    const found = await all(reader);
    expect(found.map(({ checkpoint: { id, channel_values } }) => [id, channel_values["n"]])).toEqual([
      ["c4", "new"],
      ["c3", 2],
      ["c2", 1],
      ["c1", 0],
    ]);
    await reader.close();
  });

  test("the newest stays, whatever the rules say; without a rule everything stays", async () => {
    const saver = new DraftstateSaver(inMemory());
    await line(saver, [{}, {}]);
    expect((await saver.prune("t", {})).removed).toEqual([]);
    expect((await saver.prune("t", { max: 0 })).kept.map(({ id, reasons }) => [id, reasons])).toEqual([
      ["c2", ["newest"]],
    ]);
    await saver.close();
  });

  test("ancestors that a delta channel is rebuilt from stay, up to the nearest snapshot", async () => {
    const saver = new DraftstateSaver(inMemory());
    const counters = { counters_since_delta_snapshot: { messages: [1, 1] } };
    await line(saver, [
      { writes: { messages: ["lost"] } },
      { values: { messages: new DeltaSnapshot(["a"]) }, writes: { messages: ["b"] } },
      { values: {}, metadata: counters, writes: { messages: ["c"] } },
      { values: {}, metadata: counters, writes: { other: 1 } },
    ]);
    const config = { configurable: { thread_id: "t", checkpoint_ns: "" } };
    const before = await saver.getDeltaChannelHistory({ config, channels: ["messages"] });
    expect((await saver.prune("t", { max: 1 })).removed.map(({ id }) => id)).toEqual(["c1"]);
    expect(await saver.getDeltaChannelHistory({ config, channels: ["messages"] })).toEqual(before);
    expect((await all(saver)).map(({ pendingWrites }) => pendingWrites)).toEqual([
      [["task-c4", "other", 1]],
      [["task-c3", "messages", ["c"]]],
      [["task-c2", "messages", ["b"]]],
    ]);
    await saver.close();
  });

  test("an interrupted subgraph resumes after it", async () => {
    const saver = new DraftstateSaver(inMemory());
    const State = Annotation.Root({
      log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    });
    const inner = new StateGraph(State)
      .addNode("before", () => ({ log: ["before"] }))
      .addNode("ask", () => ({ log: [String(interrupt("who?"))] }))
      .addEdge(START, "before")
      .addEdge("before", "ask")
      .compile();
    const graph = new StateGraph(State).addNode("sub", inner).addEdge(START, "sub").compile({ checkpointer: saver });
    const config = { configurable: { thread_id: "t" } };
    await graph.invoke({ log: ["one"] }, config);
    await graph.invoke(new Command({ resume: "Ann" }), config);
    await graph.invoke({ log: ["two"] }, config);
    const { removed } = await saver.prune("t", { max: 1 });
    expect(removed.some(({ namespace }) => namespace !== "")).toBe(true);
    const { log } = await graph.invoke(new Command({ resume: "Bob" }), config);
    expect(log.at(-1)).toBe("Bob");
    await saver.close();
  });
});

test("deleteForRuns lets go what these runs have put, in every thread", async () => {
  const saver = new DraftstateSaver(inMemory());
  const run = (run_id: string) => ({ metadata: { run_id } });
  await line(saver, [run("a"), run("b"), run("a")], "one");
  await line(saver, [run("b")], "two");
  const results = await saver.deleteForRuns(["a"]);
  expect([...results.keys()]).toEqual(["one"]);
  expect(await idsOf(saver, "one")).toEqual(["c2"]);
  expect(await idsOf(saver, "two")).toEqual(["c1"]);
  await saver.undo("one");
  expect(await idsOf(saver, "one")).toEqual(["c3", "c2", "c1"]);
  await saver.close();
});

describe("a thread as a whole", () => {
  test("deleted, it comes back with everything; not over another of its id", async () => {
    const options = await onFiles();
    const saver = new DraftstateSaver(options);
    await line(saver, [{ writes: { a: 1 } }, {}]);
    const before = await all(saver);
    await saver.deleteThread("t");
    expect(await all(saver)).toEqual([]);
    await saver.undo("t");
    expect(await all(saver)).toEqual(before);
    await saver.deleteThread("t");
    await line(saver, [{}]);
    expect(await codeRejected(saver.undo("t"))).toBe("STORAGE");
    expect(await idsOf(saver)).toEqual(["c1"]);
    await saver.deleteThread("t");
    await saver.deleteThread("t");
    await saver.close();
  });

  test("an emptied trash brings nothing back", async () => {
    const saver = new DraftstateSaver(await onFiles());
    await line(saver, [{}, {}]);
    await saver.deleteThread("t");
    await saver.manager.emptyTrash();
    expect(await saver.manager.storage.list("trash")).toEqual([]);
    expect(await codeRejected(saver.undo("t"))).toBe("NOT_FOUND");
    await saver.close();
  });

  test("with trashDays 0 it is gone for good", async () => {
    const options = { ...(await onFiles()), trashDays: 0 };
    const saver = new DraftstateSaver(options);
    await line(saver, [{}, {}]);
    await saver.prune("t", { max: 1 });
    expect(await idsOf(saver)).toEqual(["c2"]);
    await saver.deleteThread("t");
    expect(await codeRejected(saver.undo("t"))).toBe("NOT_FOUND");
    expect((await readdir(options.stateDir ?? "")).filter((name) => name.endsWith(".thread"))).toEqual([]);
    await saver.close();
  });

  test("copied, it has the same checkpoints and a life of its own", async () => {
    const saver = new DraftstateSaver(inMemory());
    await line(saver, [{ writes: { a: 1 } }, {}]);
    await saver.copyThread("t", "copy");
    expect((await all(saver, "copy")).map(({ checkpoint }) => checkpoint)).toEqual(
      (await all(saver)).map(({ checkpoint }) => checkpoint),
    );
    expect(await codeRejected(saver.copyThread("t", "copy"))).toBe("INVALID_ID");
    expect(await codeRejected(saver.copyThread("none", "other"))).toBe("NOT_FOUND");
    await saver.deleteThread("t");
    expect(await idsOf(saver, "copy")).toEqual(["c2", "c1"]);
    await saver.close();
  });

  test("damaged, it can be deleted and brought back as it was, and repaired with what can be read", async () => {
    const options = await onFiles();
    const saver = new DraftstateSaver(options);
    await line(saver, [{}, {}, {}]);
    await saver.close();
    const file = join(options.stateDir ?? "", "t.000001.thread");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    const next = new DraftstateSaver(options);
    expect(await codeRejected(next.getTuple({ configurable: { thread_id: "t" } }))).toBe("CORRUPT");
    await next.deleteThread("t");
    expect(await all(next)).toEqual([]);
    await next.undo("t");
    const repaired = await next.repair("t");
    expect(repaired).toMatchObject({ repaired: true, kept: 2, lostLines: 1, lostCheckpoints: [] });
    expect(repaired.quarantined).toHaveLength(1);
    expect(await idsOf(next)).toEqual(["c3", "c1"]);
    expect(await next.repair("t")).toMatchObject({ repaired: false, kept: 2 });
    await next.close();
  });
});
