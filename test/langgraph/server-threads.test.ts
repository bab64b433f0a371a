/** The threads of a LangGraph API server: what it keeps of each, as `createEmbedServer` asks for it. */
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { expect, test } from "vitest";
import { DraftstateSaver, DraftstateStore, DraftstateThreads } from "../../src/langgraph/index.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";

const ID = "0199a9c4-0000-7000-8000-000000000001";

test("metadata is put, patched, searched, and deleted with the checkpoints, which can be brought back", async () => {
  const storage = memory();
  const saver = new DraftstateSaver({ storage, telemetry: false });
  const threads = new DraftstateThreads(saver);
  const store = new DraftstateStore({ manager: saver.manager });
  expect(await codeRejected(threads.get(ID))).toBe("NOT_FOUND");
  const response = await threads
    .get(ID)
    .catch((error: unknown) => (error as { getResponse(): Response }).getResponse());
  expect(response).toMatchObject({ status: 404 });
  const made = await threads.set(ID, { kind: "put", metadata: { user: "ann", n: 1 } });
  expect(made).toMatchObject({ thread_id: ID, metadata: { user: "ann", n: 1 } });
  await Promise.all([
    threads.set(ID, { kind: "patch", metadata: { n: 2 } }),
    threads.set(ID, { kind: "patch", metadata: { graph_id: "agent" } }),
  ]);
  await threads.set("a.b", { kind: "put" });
  await saver.close();

  const again = new DraftstateSaver({ storage, telemetry: false });
  const others = new DraftstateThreads(again);
  expect((await others.get(ID)).metadata).toEqual({ user: "ann", n: 2, graph_id: "agent" });
  expect((await others.get("a.b")).metadata).toEqual({});
  const find = async (metadata: Record<string, unknown>, offset = 0): Promise<unknown[]> => {
    const found: unknown[] = [];
    const options = { metadata, limit: 1, offset, sortBy: "created_at", sortOrder: "desc" } as const;
    for await (const { thread, total } of others.search(options)) found.push([thread.thread_id, total]);
    return found;
  };
  expect(await find({})).toEqual([["a.b", 2]]);
  expect(await find({}, 1)).toEqual([[ID, 2]]);
  expect(await find({ user: "ann" })).toEqual([[ID, 1]]);
  expect(await find({ user: "bob" })).toEqual([]);
  // They are no memories of an agent.
  expect(await store.manager.storage.list("state")).not.toEqual([]);
  const memories = new DraftstateStore({ manager: again.manager });
  expect([await memories.listNamespaces(), await memories.search([])]).toEqual([[], []]);

  const checkpoint = { ...emptyCheckpoint(), id: "c1" };
  const config = { configurable: { thread_id: ID } };
  await again.put(config, checkpoint, { source: "input", step: -1, parents: {}, graph_id: "agent" } as never, {});
  await others.delete(ID);
  expect(await codeRejected(others.get(ID))).toBe("NOT_FOUND");
  expect(await codeRejected(others.delete(ID))).toBe("NOT_FOUND");
  await again.undo(ID);
  expect((await others.get(ID)).metadata).toEqual({ graph_id: "agent", assistant_id: "agent" });
  await again.close();
});

test("two patches at once are both kept, however long a write takes", async () => {
  const storage = memory();
  const createLog = storage.createLog.bind(storage);
  storage.createLog = async (...given) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return createLog(...given);
  };
  const saver = new DraftstateSaver({ storage, telemetry: false });
  const threads = new DraftstateThreads(saver);
  const patch = (metadata: Record<string, unknown>) => threads.set(ID, { kind: "patch", metadata });
  await Promise.all([patch({ a: 1 }), patch({ b: 2 }), patch({ a: 3 })]);
  expect((await threads.get(ID)).metadata).toEqual({ a: 3, b: 2 });
  await saver.close();
});
