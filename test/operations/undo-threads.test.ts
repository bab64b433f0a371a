/** Undo of what was done to threads: in one order with conversations, whatever was last first, and only under the thread's lock. */
import { describe, expect, test } from "vitest";
import { DraftStatePersistenceManager } from "../../src/manager.js";
import { threadLock, threadName } from "../../src/store/names.js";
import { byPolicy, prune } from "../../src/threads/prune.js";
import { removeThread } from "../../src/threads/remove.js";
import { repairThread } from "../../src/threads/repair.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, turn } from "../doubles/managers.js";
import { checkpointsOf, damage, message, putLine, putRequest } from "../doubles/threads.js";

const HELLO = [message("Human", "Hello"), message("AI", "Hi"), message("Human", "Bye")];

async function withThread(threadId = "My thread"): Promise<DraftStatePersistenceManager> {
  const manager = managerOver(memory());
  await putLine(manager.threads.get(threadId), HELLO);
  return manager;
}

const remove = (manager: DraftStatePersistenceManager, threadId: string, group?: string) =>
  manager.threads.get(threadId).holding((held) => removeThread(held, { group }));

const prunedTo = (manager: DraftStatePersistenceManager, threadId: string, max: number) =>
  manager.threads.get(threadId).exclusive((locked) => prune(locked, byPolicy({ max }, new Date())));

describe("undo", () => {
  test("takes back what was done to conversations and threads in one order", async () => {
    const manager = await withThread();
    const conversation = await manager.open("chat");
    await turn(conversation, "Hello", "Hi");
    await conversation.close();
    await prunedTo(manager, "My thread", 1);
    await manager.remove("chat");
    await remove(manager, "My thread");
    expect(
      (await manager.operations()).map(({ kind, operation, conversationId }) => [kind, operation, conversationId]),
    ).toEqual([
      ["thread", "rm", "My thread"],
      ["conversation", "rm", "chat"],
      ["thread", "prune", "My thread"],
    ]);
    expect((await manager.previewUndos()).map(({ kind, operation }) => [kind, operation])).toEqual([
      ["thread", "rm"],
      ["conversation", "rm"],
      ["thread", "prune"],
    ]);
    expect(await manager.undo()).toMatchObject({ kind: "thread", operation: "rm", conversationId: "My thread" });
    expect(await checkpointsOf(manager.threads.get("My thread"))).toEqual(["c3"]);
    expect(await manager.undo()).toMatchObject({ kind: "conversation", operation: "rm", conversationId: "chat" });
    expect(await manager.undo()).toMatchObject({ kind: "thread", operation: "prune" });
    expect(await checkpointsOf(manager.threads.get("My thread"))).toEqual(["c3", "c2", "c1"]);
    expect(await codeRejected(manager.undo())).toBe("NOT_FOUND");
    await manager.close();
  });

  test("of one thread or conversation leaves alone what was done to others of the name", async () => {
    const manager = await withThread("same");
    const conversation = await manager.open("same");
    await turn(conversation, "Hello", "Hi");
    await conversation.close();
    await remove(manager, "same");
    expect(await codeRejected(manager.undo("same"))).toBe("NOT_FOUND");
    await manager.remove("same");
    expect(await manager.undo("same", { kind: "thread" })).toMatchObject({ kind: "thread" });
    expect(await codeRejected(manager.undo("same", { kind: "thread" }))).toBe("NOT_FOUND");
    expect(await manager.undo("same")).toMatchObject({ kind: "conversation" });
    await manager.close();
  });

  test("of a time takes back that one, and not what later ones took; of a time that fits several, none", async () => {
    const manager = await withThread();
    await prunedTo(manager, "My thread", 2);
    await prunedTo(manager, "My thread", 1);
    const [, first] = await manager.operations();
    expect(await codeRejected(manager.undo(undefined, { at: "2026-01" }))).toBe("USAGE");
    await manager.undo(undefined, { at: first?.at ?? "" });
    expect(await checkpointsOf(manager.threads.get("My thread"))).toEqual(["c3", "c1"]);
    expect(await manager.operations()).toHaveLength(1);
    await manager.close();
  });

  test("brings back together what one command removed", async () => {
    const manager = await withThread("one");
    await putLine(manager.threads.get("two"), HELLO);
    const removed = await remove(manager, "one");
    await remove(manager, "two", removed?.group);
    const [preview] = await manager.previewUndos({ last: true });
    expect(preview?.together).toEqual(["one"]);
    expect((await manager.undo()).conversationIds).toEqual(["one", "two"]);
    expect(await checkpointsOf(manager.threads.get("one"))).toEqual(["c3", "c2", "c1"]);
    await manager.close();
  });

  test("of a repair gives the damaged files back, and keeps what came since in quarantine", async () => {
    const manager = await withThread();
    await manager.threads.release();
    const { storage } = manager;
    await damage(storage, "My thread", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    const damaged = await storage.read({ area: "state", name: `${threadName("My thread")}.000001.thread` });
    const thread = manager.threads.get("My thread");
    expect(await thread.holding(repairThread)).toMatchObject({ repaired: true, kept: 2 });
    await thread.put(putRequest("c4", { parent: "c3" }));
    await manager.threads.release();
    const before = await storage.list("quarantine");
    expect((await manager.previewUndos({ last: true }))[0]).toMatchObject({ operation: "repair", changedSince: true });
    await manager.undo();
    expect(await codeRejected(checkpointsOf(manager.threads.get("My thread")))).toBe("CORRUPT");
    expect((await storage.list("state")).filter((name) => name.endsWith(".thread"))).toEqual([
      `${threadName("My thread")}.000001.thread`,
    ]);
    expect(await storage.read({ area: "state", name: `${threadName("My thread")}.000001.thread` })).toEqual(damaged);
    expect((await storage.list("quarantine")).length).toBe(before.length + 1);
    expect(await storage.list("trash")).toEqual([]);
    await manager.close();
  });

  test("of a repair does nothing to another thread of its id", async () => {
    const manager = await withThread();
    await manager.threads.release();
    await damage(manager.storage, "My thread", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    const thread = manager.threads.get("My thread");
    await thread.holding(repairThread);
    const { threadId, name } = thread;
    // Deleted by a process that keeps nothing.
    for (const file of (await manager.storage.list("state")).filter((each) => each.startsWith(name)))
      await manager.storage.remove({ area: "state", name: file });
    await manager.threads.get(threadId).put(putRequest("new"));
    await manager.threads.release();
    expect(await codeRejected(manager.undo())).toBe("STORAGE");
    expect(await checkpointsOf(manager.threads.get(threadId))).toEqual(["new"]);
    await manager.close();
  });
});

describe("the trash of a thread", () => {
  test("is not emptied while another process has the thread", async () => {
    const storage = memory();
    let ticks = 0;
    // Nobody waits for the lock.
    const world = { storage, now: () => new Date(), elapsed: () => (ticks += 10_000), random: () => 0.5 };
    const manager = new DraftStatePersistenceManager(world, { metrics: false });
    await putLine(manager.threads.get("t"), HELLO);
    await prunedTo(manager, "t", 1);
    await manager.threads.release();
    const other = await storage.tryLock(threadLock("t"), new Date());
    const warnings: string[] = [];
    manager.on("warning", ({ conversationId, message: text }) => warnings.push(`${conversationId}: ${text}`));
    await manager.emptyTrash();
    expect(await manager.operations()).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining("stays in the trash")]);
    if (other.acquired) await other.lock.release();
    await manager.emptyTrash();
    expect(await storage.list("trash")).toEqual([]);
    await manager.close();
  });

  test("keeps a deletion that was cut off, until it is finished", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    for (const step of [1, 2, 3]) {
      await thread.put(putRequest(`c${step}`, { step, values: { bulk: "x".repeat(70_000) } }));
      await manager.threads.release();
    }
    await remove(manager, "t");
    const [last] = (await storage.list("trash")).toReversed();
    // As a crash leaves it before the last file has moved.
    const name = last?.replace(/^.*_state_/, "") ?? "";
    await storage.move({ area: "trash", name: last ?? "" }, { area: "state", name });
    await manager.emptyTrash();
    expect(await storage.list("trash")).toEqual([]);
    expect(await storage.list("state")).toEqual([]);
    expect(await checkpointsOf(manager.threads.get("t"))).toEqual([]);
    await manager.close();
  });

  test("goes when it is too old, but for one that another process has", async () => {
    const storage = memory();
    const early = managerOver(storage, { trashDays: 1 }, Date.UTC(2026, 0, 1));
    for (const id of ["free", "held"]) {
      await putLine(early.threads.get(id), HELLO);
      await prunedTo(early, id, 1);
    }
    await early.close();
    await storage.tryLock(threadLock("held"), new Date());
    const late = managerOver(storage, { trashDays: 1 });
    await putLine(late.threads.get("new"), HELLO);
    await remove(late, "new");
    expect((await late.operations()).map(({ conversationId }) => conversationId)).toEqual(["new", "held"]);
    await late.close();
  });
});

test("a prune that was cut off before its files moved is finished and offered", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  await putLine(manager.threads.get("t"), HELLO);
  await prunedTo(manager, "t", 1);
  await manager.close();
  const kept = (await storage.list("trash")).find((name) => name.endsWith(".thread")) ?? "";
  await storage.move({ area: "trash", name: kept }, { area: "state", name: "t.000001.thread" });
  const next = managerOver(storage);
  expect(await next.undo()).toMatchObject({ operation: "prune", conversationId: "t" });
  expect(await checkpointsOf(next.threads.get("t"))).toEqual(["c3", "c2", "c1"]);
  await next.close();
});
