/** Each operation is taken back exactly, one after the other, by one undo at a time, and nothing is lost on the way. */
import { describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager, ManagerOptions } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { contents, textOf } from "../doubles/contents.js";
import { cutOff, damage, edit, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, START, turn } from "../doubles/managers.js";

interface Setting {
  readonly storage: MemoryStorage;
  readonly manager: DraftStatePersistenceManager;
}

async function setting(options: ManagerOptions = {}, turns = 3): Promise<Setting> {
  const storage = memory();
  const manager = managerOver(storage, options);
  await told(manager, "chat", turns);
  return { storage, manager };
}

async function revision(manager: DraftStatePersistenceManager, id = "chat"): Promise<number> {
  return (await manager.load(id))?.metadata.revision ?? 0;
}

async function lastAnswer(manager: DraftStatePersistenceManager): Promise<unknown> {
  return (await manager.loadState("chat"))?.currentNarrative;
}

describe("rm, undone", () => {
  test("gives every file back, byte for byte, and leaves nothing in the trash but the log of it", async () => {
    const { storage, manager } = await setting();
    const before = await contents(storage);
    const removed = await manager.remove("chat");
    expect(await contents(storage)).toEqual({});
    expect(await manager.loadState("chat")).toBeNull();
    const undone = await manager.undo();
    expect(undone).toMatchObject({
      operation: "rm",
      conversationId: "chat",
      conversationIds: ["chat"],
      safetyBackup: null,
    });
    expect([...undone.restored].sort()).toEqual([...removed.removed].sort());
    expect(await contents(storage)).toEqual(before);
    expect(await storage.list("trash")).toEqual([expect.stringMatching(/_redo_chat\.json$/)]);
  });

  test("of several is one operation; undone for one of them alone where its id is given", async () => {
    const { storage, manager } = await setting();
    for (const id of ["other", "third"]) await told(manager, id);
    const before = await contents(storage);
    await manager.removeAll(["third", "chat", "other", "chat"]);
    expect(await contents(storage)).toEqual({});
    expect(
      (await manager.previewUndos()).map(({ conversationId, together }) => [conversationId, together]).sort(),
    ).toEqual([
      ["chat", ["other", "third"]],
      ["other", ["chat", "third"]],
      ["third", ["chat", "other"]],
    ]);
    expect((await manager.undo("other")).conversationIds).toEqual(["other"]);
    expect((await manager.undo()).conversationIds).toEqual(["chat", "third"]);
    expect(await contents(storage)).toEqual(before);
  });

  test("of an id that was used again since is refused before anything moves, and of one that differs by case alone", async () => {
    const { storage, manager } = await setting();
    await manager.removeAll(["chat"]);
    await told(manager, "other");
    await manager.removeAll(["other"]);
    await told(manager, "chat", 1);
    const before = await contents(storage, ["state", "backup", "trash"]);
    expect(await codeRejected(manager.undo("chat"))).toBe("STORAGE");
    expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
    await manager.remove("chat", { purge: true });
    await told(manager, "Chat", 1);
    expect(await codeRejected(manager.undo("chat"))).toBe("INVALID_ID");
  });

  test("of an id that another process used again a moment ago is refused", async () => {
    const { storage, manager } = await setting();
    await storage.remove({ area: "state", name: "chat.json" });
    await manager.remove("chat");
    const later = managerOver(storage, {}, START + 30_000);
    // Looks at all ids.
    await told(later, "other", 1);
    const another = managerOver(storage, { maxBackups: 0 }, START + 60_000);
    await told(another, "chat", 1);
    await another.close();
    const before = await contents(storage, ["state", "backup", "trash"]);
    expect(await codeRejected(later.undo("chat"))).toBe("STORAGE");
    expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
  });

  test("of several is refused for all where the id of one was used again", async () => {
    const { storage, manager } = await setting();
    await told(manager, "other");
    await manager.removeAll(["chat", "other"]);
    await told(manager, "other", 1);
    const before = await contents(storage, ["state", "backup", "trash"]);
    expect(await codeRejected(manager.undo())).toBe("STORAGE");
    expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
  });

  test("does not mix the backups of one that had nothing else with those of another of its id", async () => {
    const { storage, manager } = await setting();
    await storage.remove({ area: "state", name: "chat.json" });
    await manager.remove("chat");
    await told(manager, "chat", 1);
    expect(await codeRejected(manager.undo("chat"))).toBe("STORAGE");
    expect(await storage.list("backup")).toHaveLength(1);
  });

  test("of an id that was used again is reached by its time, once the new one is out of the way", async () => {
    const { storage, manager } = await setting();
    const old = await contents(storage);
    await manager.remove("chat");
    const [{ at } = { at: "" }] = await manager.operations();
    await told(manager, "chat", 1);
    await manager.remove("chat");
    expect(await manager.undo("chat", { at })).toMatchObject({ operation: "rm", at });
    expect(await contents(storage)).toEqual(old);
  });
});

describe("prune, undone", () => {
  test.each(["none", "gzip", "brotli"] as const)(
    "gives the backups back, byte for byte; compression %s",
    async (compression) => {
      const { storage, manager } = await setting({ compression }, 4);
      const before = await contents(storage);
      const { removed } = await manager.prune({ max: 1 });
      expect(removed).toHaveLength(3);
      expect(await storage.list("backup")).toHaveLength(1);
      const { operation, restored } = await manager.undo();
      expect([operation, [...restored].sort()]).toEqual(["prune", [...removed].sort()]);
      expect(await contents(storage)).toEqual(before);
    },
  );

  test("of all conversations is one operation, and leaves pinned backups where they are", async () => {
    const { storage, manager } = await setting();
    await told(manager, "other");
    await manager.backup("chat", { reason: "manual", tag: "dragon" });
    const pinned = (await manager.listBackups("chat")).find(({ tag }) => tag === "dragon")?.name;
    const before = await contents(storage);
    await manager.prune({ max: 0 });
    expect(await storage.list("backup")).toEqual([pinned]);
    expect((await manager.undo()).conversationIds).toEqual(["chat", "other"]);
    expect(await contents(storage)).toEqual(before);
  });

  test("of all conversations is refused for all while one is locked, and is undone beside a handle of this process", async () => {
    const { storage, manager } = await setting();
    for (const id of ["a", "other"]) await told(manager, id, 3);
    await manager.prune({ max: 1 });
    const pruned = await contents(storage, ["backup", "trash"]);
    const lock = await storage.tryLock("chat", new Date(START));
    expect(await codeRejected(manager.undo())).toBe("LOCKED");
    expect(await contents(storage, ["backup", "trash"])).toEqual(pruned);
    if (lock.acquired) await lock.lock.release();
    const conversation = await manager.open("chat");
    expect((await manager.undo()).conversationIds).toEqual(["a", "chat", "other"]);
    await conversation.close();
  });

  test("a dry run is no operation", async () => {
    const { manager } = await setting();
    await manager.prune({ max: 1, dryRun: true });
    expect(await manager.operations()).toEqual([]);
  });
});

describe("restore, undone", () => {
  test("gives the state back, forwards, and keeps what was restored as a backup", async () => {
    const { storage, manager } = await setting();
    const before = await manager.loadState("chat");
    const { revision: restoredAt } = await manager.restore("chat", "~2");
    const between = await manager.loadState("chat");
    const undone = await manager.undo("chat");
    expect(undone).toMatchObject({ operation: "restore", restored: [] });
    expect(await manager.loadState("chat")).toEqual(before);
    expect(await revision(manager)).toBeGreaterThan(restoredAt);
    await manager.restore("chat", undone.safetyBackup ?? "");
    expect(await manager.loadState("chat")).toEqual(between);
    expect((await storage.list("trash")).filter((name) => !name.includes("_redo_"))).toHaveLength(2);
  });

  test("works also when its safety backup is gone", async () => {
    const { manager } = await setting();
    const before = await manager.loadState("chat");
    await manager.restore("chat", "~2");
    await manager.prune({ max: 0, purge: true });
    await manager.undo("chat");
    expect(await manager.loadState("chat")).toEqual(before);
  });

  test("that changed nothing is no operation", async () => {
    const { manager } = await setting();
    await manager.restore("chat", "latest");
    expect(await manager.operations()).toEqual([]);
  });

  test("of an answer that was being told gives it back as interrupted: nobody tells it any more", async () => {
    const { manager } = await setting();
    const conversation = await manager.open("chat");
    conversation.update((draft) => {
      draft.streamingProperties.streamingStartTime = new Date(START).toISOString();
      draft.streamingProperties.streamingEndTime = null;
    });
    conversation.appendToken("half");
    await conversation.flush();
    await manager.restore("chat", "latest");
    await manager.undo("chat");
    expect(conversation.state.messages.at(-1)).toMatchObject({ status: "interrupted" });
    await conversation.close();
  });
});

describe("rename, undone", () => {
  test("gives the old title back", async () => {
    const { manager } = await setting();
    const title = async (): Promise<unknown> => (await manager.load("chat"))?.metadata.title;
    const first = await title();
    await manager.rename("chat", "  The\nwhale ");
    await manager.rename("chat", "The dragon");
    expect((await manager.undo()).operation).toBe("rename");
    expect(await title()).toBe("The whale");
    await manager.undo();
    expect(await title()).toBe(first);
  });

  test.each(["", " \n ", "x".repeat(5000)])("a title that is none is refused, and no operation", async (title) => {
    const { manager } = await setting();
    const before = await revision(manager);
    expect(await codeRejected(manager.rename("chat", title))).toBe("USAGE");
    expect([await revision(manager), await manager.operations()]).toEqual([before, []]);
  });
});

describe("repair, undone", () => {
  test("gives an edited snapshot back as it was found, and what the repair had made of it is a backup", async () => {
    const { storage, manager } = await setting();
    await edit(storage, "chat", "upon 3", "under 3");
    const found = await contents(storage, ["state"]);
    await manager.repair("chat", { accept: true });
    const undone = await manager.undo("chat");
    expect(undone.operation).toBe("repair");
    expect(await contents(storage, ["state"])).toEqual(found);
    const [kept] = await manager.listBackups("chat");
    expect(kept).toMatchObject({ timestamp: undone.safetyBackup, valid: true });
  });

  test("gives snapshot and torn journal back", async () => {
    const storage = memory();
    const manager = await cutOff(storage, "chat");
    const journal = { area: "state", name: "chat.journal" } as const;
    await storage.replace(
      journal,
      Buffer.concat([Buffer.from((await storage.read(journal)) ?? []), Buffer.from('{"crc":"00')]),
    );
    const found = await contents(storage, ["state"]);
    expect((await manager.repair("chat")).repaired).toBe(true);
    await manager.undo();
    expect(await contents(storage, ["state"])).toEqual(found);
  });

  test("gives a damaged snapshot back; what was said since the repair is still read, from the backup", async () => {
    const { storage, manager } = await setting();
    await damage(storage, "chat");
    await manager.repair("chat");
    const conversation = await manager.open("chat");
    await turn(conversation, "More", "More");
    await conversation.close();
    await manager.undo();
    expect(await textOf(storage, "state", "chat.json")).toBe("{ torn");
    expect(await lastAnswer(manager)).toBe("More");
  });

  test("never uses a revision again, however often it is repaired and undone", async () => {
    const { storage, manager } = await setting();
    await edit(storage, "chat", "upon 3", "under 3");
    const revisions: number[] = [];
    for (const accept of [true, false, true, true]) {
      revisions.push((await manager.repair("chat", { accept })).revision);
      await manager.undo("chat");
    }
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  test("keeps in quarantine what stands there now and cannot be a backup", async () => {
    const { storage, manager } = await setting();
    await edit(storage, "chat", "upon 3", "under 3");
    await manager.repair("chat", { accept: true });
    await edit(storage, "chat", "under 3", "below 3");
    const present = await textOf(storage, "state", "chat.json");
    expect((await manager.undo()).safetyBackup).toBeNull();
    expect(Object.values(await contents(storage, ["quarantine"]))).toContain(present);
  });
});

describe("revisions", () => {
  test("go on above all that were used, after rm and restore were undone", async () => {
    const { manager } = await setting();
    const before = await revision(manager);
    await manager.remove("chat");
    await manager.undo();
    expect(await revision(manager)).toBe(before);
    await manager.restore("chat", "~1");
    await manager.undo();
    const conversation = await manager.open("chat");
    expect(conversation.revision).toBe(before + 2);
    await conversation.close();
  });
});

describe("one after the other", () => {
  test("undo goes further back each time, to the very first, and then there is nothing", async () => {
    const { storage, manager } = await setting();
    const files = await contents(storage);
    const title = (await manager.load("chat"))?.metadata.title;
    await manager.prune({ max: 2 });
    await manager.rename("chat", "The whale");
    await manager.restore("chat", "~1");
    await manager.remove("chat");
    const kinds = (await manager.operations()).map(({ operation }) => operation);
    expect(kinds).toEqual(["rm", "restore", "rename", "prune"]);
    for (const kind of kinds) expect((await manager.undo()).operation).toBe(kind);
    expect(await codeRejected(manager.undo())).toBe("NOT_FOUND");
    expect((await manager.load("chat"))?.metadata.title).toBe(title);
    expect(await lastAnswer(manager)).toBe("Once upon 3");
    expect(Object.keys(await contents(storage))).toEqual(expect.arrayContaining(Object.keys(files)));
  });

  test("a clock that was set back does not change the order", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await manager.close();
    const earlier = managerOver(storage, {}, START - 86_400_000);
    await earlier.rename("chat", "Two");
    await earlier.undo();
    expect((await earlier.load("chat"))?.metadata.title).toBe("One");
    await earlier.close();
  });

  test("a time that fits several is refused, and one that fits none is not found", async () => {
    const { manager } = await setting();
    await manager.rename("chat", "One");
    await manager.rename("chat", "Two");
    expect(await codeRejected(manager.undo("chat", { at: "2026" }))).toBe("USAGE");
    expect(await codeRejected(manager.undo("chat", { at: "2031" }))).toBe("NOT_FOUND");
    expect(await codeRejected(manager.undo("nobody"))).toBe("NOT_FOUND");
    expect(await codeRejected(manager.undo("../chat"))).toBe("INVALID_ID");
  });
});

describe("locks", () => {
  test.each(["rm", "restore", "repair"] as const)(
    "%s is not undone while another process writes the conversation, and stays undoable",
    async (kind) => {
      const { storage, manager } = await setting();
      if (kind === "rm") await manager.remove("chat");
      if (kind === "restore") await manager.restore("chat", "~1");
      if (kind === "repair") {
        await damage(storage, "chat");
        await manager.repair("chat");
      }
      await manager.close();
      const before = await contents(storage, ["state", "backup", "trash"]);
      const other = await storage.tryLock("chat", new Date(START));
      const next = managerOver(storage, {}, START + 60_000);
      expect(await codeRejected(next.undo("chat"))).toBe("LOCKED");
      expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
      if (other.acquired) await other.lock.release();
      expect((await next.undo("chat")).operation).toBe(kind);
      await next.close();
    },
  );

  test("what is open in this process is not removed under it; a restore and a prune are undone beside its handle", async () => {
    const { manager } = await setting();
    await manager.restore("chat", "~1");
    await manager.prune({ max: 1 });
    const conversation = await manager.open("chat");
    expect(await codeRejected(manager.remove("chat"))).toBe("LOCKED");
    const before = (await manager.listBackups("chat")).length;
    expect(await manager.undo("chat")).toMatchObject({ operation: "prune" });
    expect((await manager.listBackups("chat")).length).toBeGreaterThan(before);
    expect(await manager.undo("chat")).toMatchObject({ operation: "restore" });
    expect(conversation.state.currentNarrative).toBe("Once upon 3");
    await conversation.close();
  });

  test.each(["rm", "prune", "restore", "repair", "rename"] as const)(
    "two that undo the same %s take back one operation: the other is told",
    async (kind) => {
      const { storage, manager } = await setting();
      await manager.rename("chat", "One");
      await manager.close();
      if (kind === "repair") await damage(storage, "chat");
      const first = managerOver(storage, { lockTimeout: 5000 }, START + 60_000);
      const second = managerOver(storage, { lockTimeout: 5000 }, START + 60_000);
      const act = {
        rm: () => first.remove("chat"),
        prune: () => first.prune({ max: 1 }),
        restore: () => first.restore("chat", "~1"),
        repair: () => first.repair("chat"),
        rename: () => first.rename("chat", "Two"),
      };
      await act[kind]();
      const outcomes = await Promise.allSettled([first.undo(), second.undo()]);
      expect(
        outcomes
          .map((outcome) =>
            outcome.status === "fulfilled" ? outcome.value.operation : (outcome.reason as { code: unknown }).code,
          )
          .sort(),
      ).toEqual(["NOT_FOUND", kind]);
      expect((await second.operations()).map(({ operation }) => operation)).toEqual(["rename"]);
      await Promise.all([first.close(), second.close()]);
    },
  );

  test("a closed manager undoes and removes nothing", async () => {
    const { manager } = await setting();
    await manager.remove("chat");
    await manager.close();
    expect([await codeRejected(manager.undo()), await codeRejected(manager.remove("chat"))]).toEqual([
      "USAGE",
      "USAGE",
    ]);
  });
});
