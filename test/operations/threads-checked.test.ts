/** Threads in verify, health and metrics: damage, newer versions and what a crash left are told, and what is sound is not. */
import { describe, expect, test } from "vitest";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";
import { checkpointsOf, damage, message, putLine, putRequest } from "../doubles/threads.js";
import { DraftstateError } from "../../src/errors.js";
import { encodeLineOf } from "../../src/journal/framing.js";
import { seal } from "../../src/snapshot/checksum.js";
import { copyInto } from "../../src/threads/copy.js";
import { byPolicy, prune } from "../../src/threads/prune.js";
import { removeThread } from "../../src/threads/remove.js";
import { repairThread } from "../../src/threads/repair.js";
import { threadLock } from "../../src/store/names.js";
import type { MemoryStorage } from "../../src/storage/memory.js";

const HELLO = [message("Human", "Hello"), message("AI", "Hi"), message("Human", "Bye")];

const storageError = (): DraftstateError => new DraftstateError("STORAGE", "no room");

async function threadOn(threadId = "t"): Promise<MemoryStorage> {
  const storage = memory();
  const manager = managerOver(storage);
  await putLine(manager.threads.get(threadId), HELLO);
  await manager.close();
  return storage;
}

describe("verify", () => {
  test("checks the files of threads", async () => {
    const manager = managerOver(await threadOn());
    expect(await manager.verify()).toEqual({ checked: 1, ok: true, problems: [] });
    await manager.close();
  });

  test("tells damage with the thread's id, and what repair makes of it", async () => {
    const storage = await threadOn("My thread");
    await damage(storage, "My thread", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    const manager = managerOver(storage);
    expect((await manager.verify()).problems).toEqual([
      expect.objectContaining({ conversationId: "My thread", kind: "thread-damaged", repairable: true }),
    ]);
    const { status, checks } = await manager.health();
    expect(status).toBe("fail");
    expect(checks.find(({ name }) => name === "damaged-files")?.detail).toContain("thread-damaged");
    await manager.threads.get("My thread").holding(repairThread);
    expect((await manager.verify()).ok).toBe(true);
    await manager.close();
  });

  test("tells what a crash cut off, which the next writer settles, and not while one writes", async () => {
    const storage = await threadOn();
    await damage(storage, "t", (text) => text.replace(/\n[^\n]*"end":true[^\n]*\n$/, '\n{"crc":"0'));
    const manager = managerOver(storage);
    expect((await manager.verify()).problems).toMatchObject([{ kind: "thread-torn", repairable: true }]);
    const { checks } = await manager.health();
    expect(checks.find(({ name }) => name === "damaged-files")?.status).toBe("warn");
    const held = await storage.tryLock(threadLock("t"), new Date());
    expect((await manager.verify()).problems).toEqual([]);
    if (held.acquired) await held.lock.release();
    await manager.threads.get("t").put(putRequest("c4", { parent: "c3" }));
    expect((await manager.verify()).ok).toBe(true);
    await manager.close();
  });
});

describe("a thread of a newer version", () => {
  const newer = encodeLineOf(['"future":{"new":true}']).toString();

  test("is told by verify and health, and refused by everything that would read or rewrite it", async () => {
    const storage = await threadOn();
    await damage(storage, "t", (text) => text + newer);
    const before = await storage.list("state");
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    expect((await manager.verify()).problems).toMatchObject([{ kind: "thread-newer", repairable: false }]);
    expect((await manager.health()).status).toBe("fail");
    expect(await codeRejected(checkpointsOf(thread))).toBe("NEWER_VERSION");
    expect(await codeRejected(thread.put(putRequest("c4", { parent: "c3" })))).toBe("NEWER_VERSION");
    expect(await codeRejected(thread.holding(repairThread))).toBe("NEWER_VERSION");
    expect(await codeRejected(thread.exclusive((locked) => prune(locked, byPolicy({ max: 1 }, new Date()))))).toBe(
      "NEWER_VERSION",
    );
    const copy = manager.threads.get("copy").exclusive((locked) => copyInto(locked, thread));
    expect(await codeRejected(copy)).toBe("NEWER_VERSION");
    expect(await storage.list("state")).toEqual(before);
    expect(await storage.list("quarantine")).toEqual([]);
    await manager.close();
  });

  test("goes to the trash whole, and comes back as it was", async () => {
    const storage = await threadOn();
    await damage(storage, "t", (text) => text + newer);
    const key = { area: "state", name: "t.000001.thread" } as const;
    const bytes = await storage.read(key);
    const manager = managerOver(storage);
    await manager.threads.get("t").holding((held) => removeThread(held));
    expect(await storage.list("state")).toEqual([]);
    await manager.undo();
    expect(await storage.read(key)).toEqual(bytes);
    await manager.close();
  });

  test("whose change is recorded in a newer way is not undone, nor what lies below it", async () => {
    const storage = await threadOn();
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    await thread.exclusive((locked) => prune(locked, byPolicy({ max: 2 }, new Date())));
    await thread.exclusive((locked) => prune(locked, byPolicy({ max: 1 }, new Date())));
    const name = (await storage.list("trash")).findLast((each) => each.includes("_change_")) ?? "";
    const text = Buffer.from((await storage.read({ area: "trash", name })) ?? "").toString("utf8");
    const changed = text.replace('"version": 1', '"version": 2').replace(/sha256:[0-9a-f]*/, "sha256:");
    await storage.replace({ area: "trash", name }, seal(Buffer.from(changed)));
    expect(await codeRejected(manager.undo())).toBe("NEWER_VERSION");
    expect(await codeRejected(manager.undo("t", { kind: "thread" }))).toBe("NEWER_VERSION");
    expect(await manager.operations()).toHaveLength(1);
    await manager.emptyTrash();
    expect((await storage.list("trash")).some((each) => each === name)).toBe(true);
    await manager.close();
  });
});

describe("metrics", () => {
  test("count what threads write, and what could not be written", async () => {
    const storage = new FaultyStorage(memory());
    const manager = managerOver(storage);
    const errors: unknown[] = [];
    manager.on("saveError", ({ conversationId, kind, error }) => errors.push([conversationId, kind, error.code]));
    await putLine(manager.threads.get("t"), HELLO);
    expect(manager.getSaveStatistics()).toMatchObject({
      threadBatches: 3,
      threadRecords: 6,
      openThreads: 1,
      queuedSaves: 0,
    });
    const { data, gauges } = await manager.metrics();
    expect(data.counters["draftstate_saves_total"]).toMatchObject({ thread: 3 });
    expect(gauges["draftstate_threads"]).toEqual({ "": 1 });
    await manager.threads.release();
    expect(manager.getSaveStatistics().openThreads).toBe(0);
    storage.setFault((call) => (call === "createLog" ? storageError() : undefined));
    const put = manager.threads.get("t").put(putRequest("c4", { parent: "c3" }));
    expect(await codeRejected(put)).toBe("STORAGE");
    storage.setFault(undefined);
    expect(errors).toEqual([["t", "thread", "STORAGE"]]);
    expect(await checkpointsOf(manager.threads.get("t"))).toEqual(["c3", "c2", "c1"]);
    await manager.close();
  });
});
