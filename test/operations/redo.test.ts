/** A redo reverts an undo: once, in the order of the undos, and never over what came since. */
import { describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { LockRefusal, Storage } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { edit, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, turn } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

interface Setting {
  readonly storage: MemoryStorage;
  readonly manager: DraftStatePersistenceManager;
}

async function setting(turns = 3): Promise<Setting> {
  const storage = memory();
  const manager = managerOver(storage);
  await told(manager, "chat", turns);
  return { storage, manager };
}

async function titleOf(manager: DraftStatePersistenceManager): Promise<string | undefined> {
  return (await manager.load("chat"))?.metadata.title;
}

async function say(manager: DraftStatePersistenceManager, question: string): Promise<void> {
  const conversation = await manager.open("chat");
  await turn(conversation, question, "Well");
  await conversation.close();
}

const KINDS = ["rm", "prune", "restore", "rename", "repair"] as const;

function operate(kind: (typeof KINDS)[number], manager: DraftStatePersistenceManager): Promise<unknown> {
  switch (kind) {
    case "rm":
      return manager.remove("chat");
    case "prune":
      return manager.prune({ id: "chat", max: 1 });
    case "restore":
      return manager.restore("chat", "~1");
    case "rename":
      return manager.rename("chat", "The whale");
    case "repair":
      return manager.repair("chat", { accept: true });
  }
}

async function look(manager: DraftStatePersistenceManager): Promise<unknown> {
  const loaded = await manager.load("chat", { allowEdited: true }).catch(() => undefined);
  const backups = await manager.listBackups("chat").catch(() => []);
  return { state: loaded?.state, title: loaded?.metadata.title, edited: loaded?.edited, backups: backups.length > 1 };
}

describe("redo", () => {
  test.each(KINDS)("of %s does it again, can be undone, and done again after that", async (kind) => {
    const { storage, manager } = await setting();
    if (kind === "repair") await edit(storage, "chat", "upon 3", "under 3");
    const before = await look(manager);
    await operate(kind, manager);
    const after = await look(manager);
    for (let round = 0; round < 2; round += 1) {
      await manager.undo();
      expect(await manager.undone()).toMatchObject([{ operation: kind, conversationId: "chat", canRedo: true }]);
      expect(await look(manager)).toMatchObject(kind === "prune" ? { backups: true } : { title: titleIn(before) });
      expect(await manager.redo()).toMatchObject({ operation: kind, conversationIds: ["chat"] });
      expect(await look(manager)).toEqual(kind === "restore" ? { ...(after as object), backups: true } : after);
      expect(await manager.undone()).toEqual([]);
      expect((await manager.operations()).map(({ operation }) => operation)).toEqual([kind]);
    }
  });

  test("goes back through several undos, the last one first", async () => {
    const { manager } = await setting();
    for (const title of ["One", "Two", "Three"]) await manager.rename("chat", title);
    for (let count = 0; count < 3; count += 1) await manager.undo();
    const titles: unknown[] = [];
    for (let count = 0; count < 3; count += 1) {
      await manager.redo();
      titles.push(await titleOf(manager));
    }
    expect(titles).toEqual(["One", "Two", "Three"]);
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
    await manager.undo();
    await manager.undo();
    expect(await titleOf(manager)).toBe("One");
    await manager.redo();
    await manager.redo();
    expect(await titleOf(manager)).toBe("Three");
  });

  test("of several conversations that one command removed takes all of them again", async () => {
    const { storage, manager } = await setting();
    await told(manager, "other");
    await manager.removeAll(["chat", "other"]);
    await manager.undo();
    expect((await manager.redo()).conversationIds).toEqual(["chat", "other"]);
    expect(await contents(storage)).toEqual({});
    expect((await manager.undo()).conversationIds).toEqual(["chat", "other"]);
  });

  test("of one conversation leaves what was undone later of another", async () => {
    const { manager } = await setting();
    await told(manager, "other");
    await manager.rename("chat", "One");
    await manager.rename("other", "Two");
    await manager.undo("chat");
    await manager.undo("other");
    expect(await manager.redo("chat")).toMatchObject({ conversationId: "chat" });
    expect(await manager.redo()).toMatchObject({ conversationId: "other" });
  });

  test.each(["rm", "restore", "rename"] as const)(
    "of %s is refused once the conversation was continued, and nothing is lost",
    async (kind) => {
      const { manager } = await setting();
      await operate(kind, manager);
      await manager.undo();
      await say(manager, "And then?");
      const before = await look(manager);
      expect(await manager.undone()).toMatchObject([{ operation: kind, canRedo: false }]);
      expect(await codeRejected(manager.redo())).toBe("USAGE");
      expect(await look(manager)).toEqual(before);
    },
  );

  test("is over once another operation came, also where that one was undone", async () => {
    const { manager } = await setting();
    await manager.rename("chat", "One");
    await manager.undo();
    await manager.prune({ id: "chat", max: 1 });
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
    await manager.undo();
    expect(await manager.redo()).toMatchObject({ operation: "prune" });
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
  });

  test("is over for what was changed between two undos", async () => {
    const { manager } = await setting();
    await manager.rename("chat", "One");
    await manager.rename("chat", "Two");
    await manager.undo();
    await say(manager, "And then?");
    await manager.undo();
    expect(await manager.redo()).toMatchObject({ operation: "rename" });
    expect(await titleOf(manager)).toBe("One");
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
  });

  test("of a prune keeps what was pinned since", async () => {
    const { manager } = await setting();
    await manager.prune({ id: "chat", max: 0 });
    await manager.undo();
    await manager.backup("chat", { reason: "manual", tag: "kept", pinned: true });
    await manager.redo();
    expect((await manager.listBackups("chat")).map(({ pinned }) => pinned)).toContain(true);
  });

  test("finds nothing of an undo that was cut off before its record went, and one entry once it was run again", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    const [name = ""] = await storage.list("trash");
    const record = (await storage.read({ area: "trash", name })) ?? new Uint8Array();
    await manager.undo();
    await storage.replace({ area: "trash", name }, record);
    expect(await manager.undone()).toEqual([]);
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
    await manager.undo();
    expect(await manager.undone()).toMatchObject([{ operation: "rename", canRedo: true }]);
    expect(await storage.list("trash")).toHaveLength(1);
    await manager.redo();
    expect(await titleOf(manager)).toBe("One");
  });

  test("of a restore whose undo was cut off restores what that undo took away", async () => {
    const { storage, manager } = await setting();
    await manager.restore("chat", "~1");
    const restored = (await manager.load("chat"))?.state;
    const names = (await storage.list("trash")).map((name) => ({ area: "trash" as const, name }));
    const kept = await Promise.all(
      names.map(async (key) => [key, (await storage.read(key)) ?? new Uint8Array()] as const),
    );
    await manager.undo();
    for (const name of await storage.list("trash")) await storage.remove({ area: "trash", name });
    for (const [key, bytes] of kept) await storage.replace(key, bytes);
    await manager.undo();
    expect(await manager.undone()).toMatchObject([{ operation: "restore", canRedo: true }]);
    await manager.redo();
    expect((await manager.load("chat"))?.state).toEqual(restored);
  });

  test.each(["rename", "restore"] as const)(
    "of a %s that was killed before it was logged leads on to the next",
    async (kind) => {
      const { storage, manager } = await setting();
      await operate(kind, manager);
      await manager.rename("chat", "Two");
      await manager.undo();
      await manager.undo();
      const logged = await Promise.all(
        (await storage.list("trash")).map(async (name) => {
          const key = { area: "trash", name } as const;
          return [key, (await storage.read(key)) ?? new Uint8Array()] as const;
        }),
      );
      await manager.redo();
      for (const [key, bytes] of logged) await storage.replace(key, bytes);
      expect(await manager.undone()).toMatchObject([{ operation: "rename", canRedo: true }]);
      expect(await manager.redo()).toMatchObject({ operation: "rename" });
      expect(await titleOf(manager)).toBe("Two");
      expect(await manager.undone()).toEqual([]);
      for (const expected of ["rename", kind]) expect(await manager.undo()).toMatchObject({ operation: expected });
      expect((await manager.undone()).map(({ operation }) => operation)).toEqual([kind, "rename"]);
    },
  );

  test("of a restore is not offered once the backup that it needs was pruned", async () => {
    const { manager } = await setting();
    await manager.restore("chat", "~1");
    await manager.undo();
    expect(await manager.undone()).toMatchObject([{ operation: "restore", canRedo: true }]);
    await manager.prune({ id: "chat", max: 0, purge: true });
    expect(await manager.undone()).toMatchObject([{ operation: "restore", canRedo: false }]);
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
  });

  test("of a prune whose backups are not there does nothing, and stays for later", async () => {
    const { storage, manager } = await setting();
    await manager.prune({ id: "chat", max: 1 });
    await manager.undo();
    const backups = (await storage.list("backup")).map((name) => ({ area: "backup" as const, name }));
    const kept = await Promise.all(
      backups.map(async (key) => [key, (await storage.read(key)) ?? new Uint8Array()] as const),
    );
    for (const key of backups) await storage.remove(key);
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
    for (const [key, bytes] of kept) await storage.replace(key, bytes);
    expect(await manager.redo()).toMatchObject({ operation: "prune" });
  });

  test("two at once do it again once", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await manager.undo();
    const outcomes = await Promise.allSettled([manager.redo(), manager.redo()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await storage.list("trash")).filter((name) => name.includes("_operation_"))).toHaveLength(1);
  });

  test("says that there is nothing to redo, also of a conversation that was removed for good", async () => {
    const { storage, manager } = await setting();
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
    await manager.rename("chat", "One");
    await manager.undo();
    await manager.remove("chat", { purge: true });
    expect(await storage.list("trash")).toEqual([]);
    await told(manager, "chat", 1);
    expect(await codeRejected(manager.redo("chat"))).toBe("NOT_FOUND");
  });

  test("is not offered of an entry whose bytes were changed", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await manager.undo();
    const [name = ""] = await storage.list("trash");
    const text = Buffer.from((await storage.read({ area: "trash", name })) ?? []).toString();
    await storage.replace({ area: "trash", name }, Buffer.from(text.replace("One", "Two")));
    expect(await manager.undone()).toEqual([]);
    expect(await codeRejected(manager.redo())).toBe("NOT_FOUND");
  });

  test.each(KINDS)("of %s is logged under the lock under which it was done", async (kind) => {
    const { storage, manager } = await setting();
    if (kind === "repair") await edit(storage, "chat", "upon 3", "under 3");
    await operate(kind, manager);
    await manager.undo();
    await manager.close();
    let taken = 0;
    const refused: LockRefusal = { acquired: false, holder: undefined, liveness: "alive", where: "another process" };
    // As soon as it is given back, another process takes it.
    const tryLock: Storage["tryLock"] = (name, ...rest) =>
      (taken += 1) > 1 ? Promise.resolve(refused) : storage.tryLock(name, ...rest);
    const again = managerOver(wrappedStorage(storage, { tryLock }), {}, Date.UTC(2026, 0, 15));
    const warnings: string[] = [];
    again.on("warning", ({ message }) => warnings.push(message));
    expect(await again.redo()).toMatchObject({ operation: kind });
    expect(warnings).toEqual([]);
    expect((await storage.list("trash")).filter((name) => name.includes("_redo_"))).toEqual([]);
  });

  test("is not kept where nothing is kept", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await manager.close();
    const careless = managerOver(storage, { trashDays: 0 }, Date.UTC(2026, 0, 15));
    await careless.undo();
    expect(await storage.list("trash")).toEqual([]);
  });

  test("is refused where what it did could not be undone again", async () => {
    const { storage, manager } = await setting();
    await manager.remove("chat");
    await manager.undo();
    await manager.close();
    const careless = managerOver(storage, { trashDays: 0 }, Date.UTC(2026, 0, 15));
    expect(await codeRejected(careless.redo())).toBe("USAGE");
    expect(await careless.ids()).toEqual(["chat"]);
  });
});

function titleIn(looked: unknown): unknown {
  return (looked as { readonly title?: unknown }).title;
}

test("undo and redo, however often, take no turn's backup away", async () => {
  const manager = managerOver(memory(), { maxBackups: 3 });
  await told(manager, "chat", 3);
  const ofTurns = async (): Promise<(string | undefined)[]> =>
    (await manager.listBackups("chat")).filter(({ reason }) => reason === "turn").map(({ timestamp }) => timestamp);
  const before = await ofTurns();
  await manager.restore("chat", "~1");
  for (let press = 0; press < 5; press += 1) {
    await manager.undo("chat");
    await manager.redo("chat");
  }
  await say(manager, "Once more");
  expect((await ofTurns()).slice(1)).toEqual(before.slice(0, 2));
  expect(await manager.listBackups("chat")).toHaveLength(6);
  await manager.prune({ id: "chat" });
  expect((await ofTurns()).slice(1)).toEqual(before.slice(0, 2));
});
