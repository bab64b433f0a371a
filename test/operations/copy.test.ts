/** Copies between stores: equal to the byte, taken up where they ended, never over what is there, and told what was left out. */
import { describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { AREAS, type Key, type Storage } from "../../src/storage/storage.js";
import { DraftstateSaver, DraftstateStore } from "../../src/langgraph/index.js";
import { checkpointsOf, message, putLine } from "../doubles/threads.js";
import { told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { managerOver, memory, START, turn } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

/** Every file of the areas that conversations live in. */
async function everything(storage: Storage): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const area of AREAS.filter((each) => ["state", "backup", "trash"].includes(each)))
    for (const name of await storage.list(area))
      found[`${area}/${name}`] = Buffer.from((await storage.read({ area, name })) ?? []).toString("base64");
  return found;
}

/** Three conversations: whole with backups, with a restore that can be undone, and removed. */
async function filled(): Promise<{ readonly storage: Storage; readonly manager: DraftStatePersistenceManager }> {
  const storage = memory();
  const manager = managerOver(storage, { metrics: false });
  await told(manager, "whole", 3);
  await told(manager, "restored", 2);
  await manager.restore("restored", "@1");
  await told(manager, "removed", 1);
  await manager.remove("removed");
  // A save keeps a conversation open for a while.
  await manager.close();
  return { storage, manager: managerOver(storage, { metrics: false }, START + 3_600_000) };
}

const outcomes = (result: Awaited<ReturnType<DraftStatePersistenceManager["copyTo"]>>): unknown => [
  result.copied.map(({ conversationId, outcome }) => `${conversationId} ${outcome}`),
  result.failed.map(({ conversationId, error }) => `${conversationId} ${error.code}`),
];

describe("copying all of a store", () => {
  test("gives the same files, with backups and trash, and leaves the source as it is", async () => {
    const { storage, manager } = await filled();
    const before = await everything(storage);
    const there = memory();
    const target = managerOver(there, { metrics: false });
    const progress: string[] = [];
    const result = await manager.copyTo(target, { onProgress: (done, total) => progress.push(`${done}/${total}`) });
    expect(outcomes(result)).toEqual([["removed copied", "restored copied", "whole copied"], []]);
    expect(progress).toEqual(["1/3", "2/3", "3/3"]);
    expect(await everything(there)).toEqual(before);
    expect(await everything(storage)).toEqual(before);
    expect(await there.locks()).toEqual([]);
    expect((await target.verify()).problems).toEqual([]);
    expect((await target.undo("removed")).conversationIds).toEqual(["removed"]);
    expect((await target.undo("restored")).conversationIds).toEqual(["restored"]);
  });

  test("again finds all of it identical", async () => {
    const { manager } = await filled();
    const target = managerOver(memory(), { metrics: false });
    await manager.copyTo(target);
    expect(outcomes(await manager.copyTo(target))).toEqual([
      ["removed identical", "restored identical", "whole identical"],
      [],
    ]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])("that was killed at its call %d of create is taken up and completed", async (at) => {
    const { storage, manager } = await filled();
    const there = memory();
    let calls = 0;
    const dying = wrappedStorage(there, {
      create: (key, content, guard) =>
        (calls += 1) > at ? new Promise<never>(() => undefined) : there.create(key, content, guard),
    });
    void manager.copyTo(managerOver(dying, { metrics: false }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { name } of await there.locks()) await there.breakLock(name);
    const [source, found] = [await everything(storage), await everything(there)];
    const listed = (await managerOver(there, { metrics: false }).list()).filter(({ error }) => error === undefined);
    for (const { conversationId: id } of listed) {
      const isPart = (name: string): boolean => name.includes(`/${id}.`) || name.includes(`/${id}_`);
      expect([id, Object.keys(source).filter((name) => isPart(name) && found[name] !== source[name])]).toEqual([
        id,
        [],
      ]);
    }
    const result = await manager.copyTo(managerOver(there, { metrics: false }));
    expect(result.failed).toEqual([]);
    expect(await everything(there)).toEqual(await everything(storage));
  });

  test("continues past a conversation that fails, and says which and why", async () => {
    const { manager } = await filled();
    const there = memory();
    const target = managerOver(there, { metrics: false });
    await told(target, "whole", 1);
    const before = await everything(there);
    expect(outcomes(await manager.copyTo(target))).toEqual([
      ["removed copied", "restored copied"],
      ["whole INVALID_ID"],
    ]);
    expect(await everything(there)).toMatchObject(before);
  });
});

/** A thread of two checkpoints whose older one was pruned, a removed thread, and a namespace with a snapshot. */
async function withGraphs(storage: Storage): Promise<void> {
  const saver = new DraftstateSaver({ storage, telemetry: false });
  const store = new DraftstateStore({ manager: saver.manager });
  for (const threadId of ["My thread", "gone"])
    await putLine(saver.manager.threads.get(threadId), [message("Human", "Hello"), message("AI", "Hi")]);
  await saver.prune("My thread", { max: 1 });
  await saver.deleteThread("gone");
  for (const number of [1, 2]) await store.put(["memories", "Ann"], "likes", { number, padding: "x".repeat(70_000) });
  await saver.close();
}

describe("threads and namespaces", () => {
  const copied = ["conversation whole", "namespace memories.Ann", "thread My thread", "thread gone"];

  test("are copied with their trash, to the byte, and again are identical", async () => {
    const [storage, there] = [memory(), memory()];
    await withGraphs(storage);
    const manager = managerOver(storage, { metrics: false });
    await told(manager, "whole", 1);
    await manager.close();
    const target = managerOver(there, { metrics: false });
    const kinds = async (): Promise<unknown> => {
      const { copied: found, failed } = await managerOver(storage, { metrics: false }).copyTo(target);
      return [found.map(({ kind, conversationId }) => `${kind} ${conversationId}`).sort(), failed];
    };
    expect(await kinds()).toEqual([copied, []]);
    expect(await everything(there)).toEqual(await everything(storage));
    expect(await kinds()).toEqual([copied, []]);
    expect((await target.verify()).problems).toEqual([]);
    expect(await there.locks()).toEqual([]);
    await target.undo("My thread", { kind: "thread" });
    expect(await checkpointsOf(target.threads.get("My thread"))).toEqual(["c2", "c1"]);
    await target.close();
  });

  test("one thread is copied alone, and one that differs at the target is refused", async () => {
    const [storage, there] = [memory(), memory()];
    await withGraphs(storage);
    const target = managerOver(there, { metrics: false });
    await putLine(target.threads.get("My thread"), [message("Human", "Another")]);
    await target.threads.release();
    const before = await everything(there);
    const from = managerOver(storage, { metrics: false });
    expect(outcomes(await from.copyTo(target, { threads: ["My thread", "missing"] }))).toEqual([
      [],
      ["My thread INVALID_ID", "missing NOT_FOUND"],
    ]);
    expect(await everything(there)).toEqual(before);
    expect(outcomes(await from.copyTo(target, { threads: ["gone"] }))).toEqual([["gone copied"], []]);
    await target.close();
  });
});

describe("a conversation", () => {
  test("that differs at the target in one file is an error, and nothing is added to it", async () => {
    const { manager } = await filled();
    const there = memory();
    const target = managerOver(there, { metrics: false });
    await manager.copyTo(target, { ids: ["whole"] });
    await turn(await target.open("whole"), "One more?", "Yes");
    await target.close();
    const before = await everything(there);
    expect(outcomes(await manager.copyTo(managerOver(there, { metrics: false })))).toMatchObject([
      {},
      ["whole INVALID_ID"],
    ]);
    expect(await everything(there)).toMatchObject(before);
  });

  test("that the target has in its trash alone is told so with what to do, and that helps", async () => {
    const { manager } = await filled();
    const target = managerOver(memory(), { metrics: false });
    await told(target, "whole", 1);
    const refusal = async (): Promise<string | undefined> =>
      (await manager.copyTo(target, { ids: ["whole"] })).failed[0]?.error.message;
    expect(await refusal()).toMatch(/remove it there for good \(manager\.remove\("whole", \{ purge: true \}\)\)/);
    await target.remove("whole");
    expect(await refusal()).toMatch(
      /whose trash still keeps it.*empty the trash of that store \(manager\.emptyTrash\(\)\)/,
    );
    await target.emptyTrash();
    expect(await refusal()).toBeUndefined();
  });

  test("that is removed there for good can be copied", async () => {
    const { manager } = await filled();
    const target = managerOver(memory(), { metrics: false });
    await told(target, "whole", 1);
    await target.remove("whole", { purge: true });
    expect(outcomes(await manager.copyTo(target, { ids: ["whole"] }))).toEqual([["whole copied"], []]);
  });

  test("that two copy at once is copied once, and each tells what became of it", async () => {
    const { storage } = await filled();
    const there = memory();
    const copying = [1, 2].map(() =>
      managerOver(storage, { metrics: false }).copyTo(managerOver(there, { metrics: false })),
    );
    const results = await Promise.all(copying);
    expect(await everything(there)).toEqual(await everything(storage));
    for (const { copied, failed } of results) {
      expect(copied.length + failed.length).toBe(3);
      expect(failed.filter(({ error }) => error.code !== "LOCKED")).toEqual([]);
    }
    expect(await there.locks()).toEqual([]);
  });

  test("that is open at the source or at the target is refused", async () => {
    const { manager } = await filled();
    const target = managerOver(memory(), { metrics: false });
    await manager.open("whole");
    await target.open("restored");
    expect(outcomes(await manager.copyTo(target))).toEqual([["removed copied"], ["restored LOCKED", "whole LOCKED"]]);
  });

  test("that changes while it is copied is refused, and leaves nothing at the target", async () => {
    const { storage } = await filled();
    let changed = false;
    const changing = wrappedStorage(storage, {
      read: async (key: Key, options) => {
        const bytes = await storage.read(key, options);
        if (!changed && key.name === "whole.json") {
          changed = true;
          await storage.replace(
            { area: "backup", name: (await storage.list("backup", { prefix: "whole_" }))[0] ?? "" },
            Buffer.from("new"),
          );
        }
        return bytes;
      },
    });
    const there = memory();
    const target = managerOver(there, { metrics: false });
    expect(outcomes(await managerOver(changing, { metrics: false }).copyTo(target, { ids: ["whole"] }))).toEqual([
      [],
      ["whole LOCKED"],
    ]);
    expect(await everything(there)).toEqual({});
  });

  test("that does not read back as it was written is an error, and does not stay", async () => {
    const { manager } = await filled();
    const there = memory();
    const lying = wrappedStorage(there, {
      create: (key, content, guard) => there.create(key, key.area === "backup" ? Buffer.from("torn") : content, guard),
    });
    expect(outcomes(await manager.copyTo(managerOver(lying, { metrics: false }), { ids: ["whole"] }))).toEqual([
      [],
      ["whole CORRUPT"],
    ]);
    expect(await everything(there)).toEqual({});
  });

  test("that is not there, or differs from one there by case alone, is told", async () => {
    const { manager } = await filled();
    const target = managerOver(memory(), { metrics: false });
    await told(target, "WHOLE", 1);
    expect(outcomes(await manager.copyTo(target, { ids: ["whole", "missing"] }))).toEqual([
      [],
      ["missing NOT_FOUND", "whole INVALID_ID"],
    ]);
  });
});

describe("a store", () => {
  test("is not copied to itself, nor from where there is none", async () => {
    const { manager, storage } = await filled();
    expect(await codeRejected(manager.copyTo(managerOver(storage, { metrics: false })))).toBe("USAGE");
    const none = managerOver(memory(), { metrics: false });
    expect(await codeRejected(none.copyTo(manager))).toBe("NOT_FOUND");
  });

  test("that cannot be written is told for each conversation, and a copy afterwards completes", async () => {
    const { manager, storage } = await filled();
    const there = memory();
    const faulty = new FaultyStorage(there);
    const target = managerOver(faulty, { metrics: false });
    faulty.setFault((call) => (call === "create" ? new Error("no room") : undefined));
    const result = await manager.copyTo(target);
    expect(outcomes(result)).toEqual([[], ["removed STORAGE", "restored STORAGE", "whole STORAGE"]]);
    expect(result.failed.map(({ error }) => error.message)).toEqual([
      "conversation removed was not copied: no room",
      "conversation restored was not copied: no room",
      "conversation whole was not copied: no room",
    ]);
    faulty.setFault(undefined);
    expect((await manager.copyTo(target)).failed).toEqual([]);
    expect(await everything(there)).toEqual(await everything(storage));
  });
});
