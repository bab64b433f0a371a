/** What a killed removal or undo left is taken back by the next undo, also where the conversation or thread was continued since. */
import { describe, expect, test } from "vitest";
import { removeThreads } from "../../src/operations/graph-threads/change-threads.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { contents } from "../doubles/contents.js";
import { told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { killedAfter } from "../doubles/killed.js";
import { managerOver, memory, START } from "../doubles/managers.js";
import { checkpointsOf, putRequest } from "../doubles/threads.js";

const LATER = START + 60_000;
const KILLED = ["rm", "undo"] as const;

describe("a conversation that was continued", () => {
  test.each(KILLED)("after a killed %s: its backups come back, and what is older can be undone", async (killed) => {
    const storage = memory();
    const first = managerOver(storage);
    await told(first, "chat", 3);
    await first.rename("chat", "Whale");
    const backups = await storage.list("backup");
    if (killed === "rm")
      await killedAfter(storage, { count: backups.length + 1, both: true }, () => first.remove("chat"));
    else {
      await first.remove("chat");
      await killedAfter(storage, { count: 1, both: true }, () => first.undo());
    }
    const kept = (await storage.list("trash")).find((name) => name.endsWith("_state_chat.json")) ?? "";
    const text = (await contents(storage, ["trash"]))[`trash/${kept}`];
    const manager = managerOver(storage, {}, LATER);
    await told(manager, "chat", 1);
    const now = (await contents(storage))["state/chat.json"];
    expect(await manager.undo()).toMatchObject({ operation: "rm" });
    expect(await storage.list("backup")).toEqual(expect.arrayContaining(backups));
    const after = await contents(storage, ["state", "quarantine"]);
    expect(after["state/chat.json"]).toBe(now);
    expect(Object.entries(after).filter(([name]) => name.startsWith("quarantine/chat.json."))).toEqual([
      [expect.any(String), text],
    ]);
    expect(await manager.undo()).toMatchObject({ operation: "rename" });
    await manager.remove("chat", { purge: true });
    expect(await contents(storage, ["state", "backup", "trash", "quarantine"])).toEqual({});
  });

  test("under its id by another: nothing is put back", async () => {
    const manager = managerOver(memory());
    await told(manager, "chat", 1);
    await manager.remove("chat");
    await told(manager, "chat", 3);
    expect(await codeRejected(manager.undo("chat"))).toBe("STORAGE");
  });
});

describe("a thread", () => {
  async function withThread(segments: number): Promise<MemoryStorage> {
    const storage = memory();
    const manager = managerOver(storage);
    for (let step = 1; step <= segments; step += 1) {
      await manager.threads.get("t").put(putRequest(`c${step}`, { step, values: { bulk: "x".repeat(70_000) } }));
      await manager.threads.release();
    }
    await told(manager, "chat", 1);
    await manager.rename("chat", "Whale");
    await manager.close();
    return storage;
  }

  const SHAPES = KILLED.flatMap((killed) =>
    [1, 3].flatMap((segments) => [false, true].map((isContinued) => ({ killed, segments, isContinued }))),
  ).filter(({ killed, segments }) => killed === "undo" || segments === 1);

  test.each(SHAPES)("of $segments segments after a killed $killed (continued: $isContinued)", async (shape) => {
    const { killed, segments, isContinued } = shape;
    const storage = await withThread(segments);
    const first = managerOver(storage);
    const remove = () => removeThreads(first.threads, ["t"], {});
    if (killed === "rm") await killedAfter(storage, { count: segments, both: true }, remove);
    else {
      await remove();
      await killedAfter(storage, { count: segments, both: true }, () => first.undo());
    }
    await first.close();
    const manager = managerOver(storage, {}, LATER);
    const thread = manager.threads.get("t");
    if (isContinued) await thread.put(putRequest("later", { step: 9, values: { bulk: "y" } }));
    await manager.threads.release();
    const there = await checkpointsOf(thread);
    expect(there).toHaveLength(segments + (isContinued ? 1 : 0));
    expect(await manager.undo()).toMatchObject({ kind: "thread", operation: "rm" });
    expect(await checkpointsOf(thread)).toEqual(there);
    expect(await manager.undo()).toMatchObject({ kind: "conversation", operation: "rename" });
    expect((await storage.list("trash")).filter((name) => name.includes("thread"))).toEqual([]);
    await manager.close();
  });

  test("that was begun again under its id: nothing is put back", async () => {
    const storage = await withThread(1);
    const manager = managerOver(storage, {}, LATER);
    await removeThreads(manager.threads, ["t"], {});
    await manager.threads.get("t").put(putRequest("new", { step: 1, values: { bulk: "y" } }));
    expect(await codeRejected(manager.undo())).toBe("STORAGE");
    await manager.close();
  });
});
