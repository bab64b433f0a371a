/** What is removed for good is gone, whatever was cut off before: nothing of it stays in the trash, and no undo brings it back. */
import { describe, expect, test } from "vitest";
import { removeThreads } from "../../src/operations/graph-threads/change-threads.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Area } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { killedAfter } from "../doubles/killed.js";
import { managerOver, memory, START } from "../doubles/managers.js";
import { checkpointsOf, putRequest } from "../doubles/threads.js";

const LATER = START + 60_000;
const AREAS: readonly Area[] = ["state", "backup", "trash", "quarantine"];

async function holding(storage: MemoryStorage, text: string): Promise<string[]> {
  return Object.entries(await contents(storage, AREAS)).flatMap(([name, held]) => (held.includes(text) ? [name] : []));
}

const CUTS = [0, 1, 2, 3, 4].flatMap((count) => [
  { count, both: false },
  { count, both: true },
]);

describe("a conversation", () => {
  test.each(CUTS)("whose removal was cut off after $count files (both names: $both)", async (cut) => {
    const storage = memory();
    const first = managerOver(storage);
    await told(first, "chat", 3);
    await killedAfter(storage, cut, () => first.remove("chat"));
    const manager = managerOver(storage, {}, LATER);
    if ((await manager.load("chat")) === undefined) return;
    await manager.remove("chat", { purge: true });
    expect(await holding(storage, "upon")).toEqual([]);
    expect(await manager.operations()).toEqual([]);
    expect(await codeRejected(manager.undo())).toBe("NOT_FOUND");
  });

  test.each(CUTS)("whose removal was being undone, cut off after $count files (both names: $both)", async (cut) => {
    const storage = memory();
    const first = managerOver(storage);
    await told(first, "chat", 3);
    await first.remove("chat");
    await killedAfter(storage, cut, () => first.undo("chat"));
    const manager = managerOver(storage, {}, LATER);
    if ((await manager.load("chat")) === undefined) return;
    await manager.remove("chat", { purge: true });
    expect(await holding(storage, "upon")).toEqual([]);
    expect(await manager.operations()).toEqual([]);
  });

  test.each([0, 1])("removed up to its last name, and continued (its undo was cut off: %i)", async (undone) => {
    const storage = memory();
    const first = managerOver(storage);
    await told(first, "chat", 3);
    if (undone === 1) await first.remove("chat");
    const cut = { count: undone === 1 ? 1 : 4, both: true };
    await killedAfter(storage, cut, () => (undone === 1 ? first.undo("chat") : first.remove("chat")));
    const manager = managerOver(storage, {}, LATER);
    await told(manager, "chat", 1);
    await manager.remove("chat", { purge: true });
    expect(await holding(storage, "upon")).toEqual([]);
  });

  test("takes along what the trash holds without a record, and of no other id", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat");
    const stamp = "2026-01-14T20-30-00-000Z-0000";
    const backup = "2026-01-14T20-30-00-000Z.json";
    const own = [`state_chat.json`, `state_chat.journal`, `backup_chat_${backup}`, "operation_chat.json"];
    const other = ["state_chat.json.json", "state_chat2.json", `backup_chat_2_${backup}`, "state_chat.000001.thread"];
    for (const name of [...own, ...other])
      await storage.replace({ area: "trash", name: `${stamp}_${name}` }, Buffer.from("upon"));
    await manager.remove("chat", { purge: true });
    expect(await storage.list("trash")).toEqual(other.map((name) => `${stamp}_${name}`).sort());
  });

  test("that is cut off can be asked for again", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat", 3);
    await manager.prune({ id: "chat", max: 1 });
    for (let count = 0; count < 40; count += 1) {
      const remove = storage.remove.bind(storage);
      let left = count;
      storage.remove = async (key, guard) => {
        if (key.area !== "state" || !key.name.startsWith("thread")) if ((left -= 1) < 0) throw new Error("killed");
        return remove(key, guard);
      };
      await manager.remove("chat", { purge: true }).catch(() => undefined);
      storage.remove = remove;
      const found = await manager.load("chat").catch(() => undefined);
      if (found === undefined) expect(await holding(storage, "upon")).toEqual([]);
    }
  });
});

describe("a thread", () => {
  async function withThread(segments: number): Promise<MemoryStorage> {
    const storage = memory();
    const manager = managerOver(storage);
    for (let step = 1; step <= segments; step += 1) {
      await manager.threads.get("t").put(putRequest(`c${step}`, { step, values: { bulk: "upon".repeat(20_000) } }));
      await manager.threads.release();
    }
    await manager.close();
    return storage;
  }

  const SHAPES = [1, 3].flatMap((segments) => CUTS.map((cut) => ({ segments, ...cut })));

  test.each(SHAPES)("of $segments segments, its removal cut off after $count (both names: $both)", async (shape) => {
    const storage = await withThread(shape.segments);
    const first = managerOver(storage);
    await killedAfter(storage, shape, () => removeThreads(first.threads, ["t"], {}));
    await first.close();
    const manager = managerOver(storage, {}, LATER);
    if (!(await storage.list("state")).some((name) => name.endsWith(".thread"))) return;
    await removeThreads(manager.threads, ["t"], { purge: true });
    expect(await holding(storage, "upon")).toEqual([]);
    expect(await manager.operations()).toEqual([]);
    await manager.close();
  });

  test.each(SHAPES)("of $segments segments, its undo cut off after $count (both names: $both)", async (shape) => {
    const storage = await withThread(shape.segments);
    const first = managerOver(storage);
    await removeThreads(first.threads, ["t"], {});
    await killedAfter(storage, shape, () => first.undo());
    await first.close();
    const manager = managerOver(storage, {}, LATER);
    if (!(await storage.list("state")).some((name) => name.endsWith(".thread"))) return;
    await removeThreads(manager.threads, ["t"], { purge: true });
    expect(await holding(storage, "upon")).toEqual([]);
    await manager.close();
  });

  test("that was removed before stays undoable, and what the trash holds without a record goes", async () => {
    const storage = await withThread(1);
    const manager = managerOver(storage, {}, LATER);
    await removeThreads(manager.threads, ["t"], {});
    await manager.threads.get("t").put(putRequest("new", { step: 1, values: { bulk: "later" } }));
    const orphan = "2026-01-14T20-30-00-000Z-0000_state_t.000001.thread";
    const other = "2026-01-14T20-30-00-000Z-0000_state_t.t.000001.thread";
    for (const name of [orphan, other]) await storage.replace({ area: "trash", name }, Buffer.from("later"));
    await removeThreads(manager.threads, ["t"], { purge: true });
    expect(await holding(storage, "later")).toEqual([`trash/${other}`]);
    await manager.undo();
    expect(await checkpointsOf(manager.threads.get("t"))).toEqual(["c1"]);
    await manager.close();
  });
});
