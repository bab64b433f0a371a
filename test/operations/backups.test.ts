/** Backups: one a turn and no more, kept within bounds, and every way back leaves the way forth. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { applyPatch, type Operation } from "rfc6902";
import type { Conversation } from "../../src/session/conversation.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { codeRejected } from "../doubles/error-code.js";
import { answering } from "../doubles/answering.js";
import { begin, end, managerOver, memory, turn } from "../doubles/managers.js";

let storage: MemoryStorage;
let manager: DraftStatePersistenceManager;
let chat: Conversation;

async function chatting(options: ManagerOptions = {}): Promise<void> {
  storage = memory();
  manager = managerOver(storage, options);
  chat = await manager.open("chat");
}

async function kinds(): Promise<(string | undefined)[]> {
  return (await manager.listBackups("chat")).map(({ reason }) => reason);
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => chatting());

describe("backups", () => {
  test("there is one for each turn, newest first", async () => {
    for (const word of ["a", "b", "c"]) await turn(chat, word);
    expect(
      (await manager.listBackups("chat")).map(({ reason, messageCount, valid }) => [reason, messageCount, valid]),
    ).toEqual([
      ["turn", 6, true],
      ["turn", 4, true],
      ["turn", 2, true],
    ]);
  });

  test("there are never more than maxBackups", async () => {
    await chatting({ maxBackups: 2 });
    for (const word of ["a", "b", "c", "d"]) await turn(chat, word);
    expect((await manager.listBackups("chat")).map(({ messageCount }) => messageCount)).toEqual([8, 6]);
  });

  test("with maxBackups 0 a turn leaves none, and one asked for stays", async () => {
    await chatting({ maxBackups: 0 });
    await turn(chat, "a");
    await chat.backup();
    expect(await kinds()).toEqual(["manual"]);
  });

  test("a pinned and a tagged one stand beside the count", async () => {
    await chatting({ maxBackups: 1 });
    await turn(chat, "a");
    await chat.backup({ reason: "manual", pinned: true });
    await turn(chat, "b");
    await chat.backup({ reason: "manual", tag: "good" });
    for (const word of ["c", "d"]) await turn(chat, word);
    expect((await manager.listBackups("chat")).map(({ messageCount, pinned }) => [messageCount, pinned])).toEqual([
      [8, false],
      [4, true],
      [2, true],
    ]);
  });

  test("of an unchanged state there is no second one", async () => {
    await turn(chat, "a");
    await chat.endTurn();
    await chat.backup();
    expect(await kinds()).toEqual(["turn"]);
  });

  test("two in one millisecond both live", async () => {
    const environment = { storage, now: () => new Date(0), elapsed: () => 0, random: () => 0 };
    await chat.close();
    chat = await new DraftStatePersistenceManager(environment, { autoSave: false }).open("chat");
    for (const word of ["a", "b"]) await turn(chat, word);
    const timestamps = (await manager.listBackups("chat")).map(({ timestamp }) => timestamp);
    expect(new Set(timestamps).size).toBe(2);
  });

  test.each(["gzip", "brotli"] as const)("compressed with %s they come back", async (compression) => {
    await chatting({ compression });
    const state = await turn(chat, "a", "Once");
    await manager.restore("chat", "latest");
    expect(chat.state).toEqual(state);
  });

  test("a damaged one is a row that says so, and is never restored", async () => {
    await turn(chat, "a");
    const [name = ""] = await storage.list("backup");
    await storage.replace({ area: "backup", name }, Buffer.from("{"));
    expect((await manager.listBackups("chat")).map(({ valid }) => valid)).toEqual([false]);
    expect(await codeRejected(manager.restore("chat", "latest"))).toBe("CORRUPT");
  });
});

describe("while an answer streams", () => {
  beforeEach(async () => {
    await chatting({ autoSave: true, autoSaveInterval: 10 });
    begin(chat, "a");
  });

  test("at most one interim backup stands, and the turn's replaces it", async () => {
    for (let token = 0; token < 6; token += 1) {
      chat.appendToken(" x");
      await chat.flush();
      await wait(25);
      // The next one is made before the last one goes.
      expect((await manager.listBackups("chat")).length).toBeLessThanOrEqual(2);
    }
    await vi.waitFor(async () => {
      expect(await kinds()).toEqual(["interim"]);
    }, 10_000);
    end(chat);
    await chat.endTurn();
    expect(await kinds()).toEqual(["turn"]);
  });

  test("one asked for outlives the interim one it equals", async () => {
    await chat.flush();
    chat.appendToken(" x");
    await vi.waitFor(async () => {
      expect(await kinds()).toEqual(["interim"]);
    }, 10_000);
    const timestamp = await chat.backup();
    end(chat);
    await chat.endTurn();
    expect((await manager.listBackups("chat")).map((backup) => backup.timestamp)).toContain(timestamp);
  });
});

describe("restore", () => {
  test("goes back forwards: a new revision with the old content (I4)", async () => {
    const first = await turn(chat, "a", "one");
    await turn(chat, "b", "two");
    const before = chat.revision;
    const { revision } = await manager.restore("chat", "~1");
    expect([chat.state, revision > before, await managerOver(storage).loadState("chat")]).toEqual([first, true, first]);
  });

  test("keeps the present as a backup, and can be undone the same way", async () => {
    await turn(chat, "a", "one");
    await turn(chat, "b", "two");
    begin(chat, "c");
    chat.appendToken(" and more");
    end(chat);
    const present = chat.state;
    const { safetyBackup } = await manager.restore("chat", "~1");
    await manager.restore("chat", safetyBackup ?? "");
    expect(chat.state).toEqual(present);
  });

  test("to what is there already changes nothing, and leaves nothing to undo", async () => {
    const present = await turn(chat, "a", "one");
    const before = chat.revision;
    const [newest] = await manager.listBackups("chat");
    const { revision, safetyBackup, changes } = await manager.restore("chat", "latest");
    expect([chat.state === present, revision, safetyBackup, changes, await manager.operations()]).toEqual([
      true,
      before,
      newest?.timestamp,
      [],
      [],
    ]);
  });

  test("of a dry run changes nothing and tells the change", async () => {
    const first = await turn(chat, "a", "one");
    const present = await turn(chat, "b", "two");
    const { changes, safetyBackup } = await manager.restore("chat", "~1", { dryRun: true });
    const applied = structuredClone(present);
    applyPatch(applied, structuredClone(changes) as Operation[]);
    expect([applied, chat.state, safetyBackup]).toEqual([first, present, null]);
  });

  test("into a fork leaves the conversation alone", async () => {
    const first = await turn(chat, "a", "one");
    const present = await turn(chat, "b", "two");
    await manager.restore("chat", "~1", { fork: "copy" });
    expect([await manager.loadState("copy"), await manager.loadState("chat")]).toEqual([first, present]);
  });

  test("into a fork whose id is taken is refused", async () => {
    await turn(chat, "a", "one");
    expect(await codeRejected(manager.restore("chat", "latest", { fork: "chat" }))).not.toBe("it resolved");
  });

  test.each(["2020", "~7", "@7", "/home/me", "", "nonsense"])("%j names no backup", async (wanted) => {
    await turn(chat, "a", "one");
    expect(await codeRejected(manager.restore("chat", wanted))).toBe("NOT_FOUND");
  });

  test("a prefix that fits several is refused", async () => {
    await turn(chat, "a");
    await turn(chat, "b");
    expect(await codeRejected(manager.restore("chat", "2026-01"))).toBe("USAGE");
  });
});

describe("prune", () => {
  beforeEach(async () => {
    for (const word of ["a", "b", "c"]) await turn(chat, word);
    await chat.close();
  });

  test("says what it removes, and removes that", async () => {
    const { kept, removed, bytesFreed } = await manager.prune({ id: "chat", max: 1 });
    expect([kept.length, removed.length, bytesFreed > 0, (await storage.list("backup")).length]).toEqual([
      1,
      2,
      true,
      1,
    ]);
  });

  test("of a dry run says the same, and removes nothing", async () => {
    const dry = await manager.prune({ max: 1, dryRun: true });
    const before = (await storage.list("backup")).length;
    expect([before, (await manager.prune({ max: 1 })).removed]).toEqual([3, dry.removed]);
  });

  test("never removes the last valid one of a damaged conversation (I5)", async () => {
    await storage.replace({ area: "state", name: "chat.json" }, Buffer.from("{"));
    await manager.prune({ max: 0 });
    expect((await manager.open("chat")).state.messages).toHaveLength(6);
  });

  test("skips a conversation that another process writes, and says so", async () => {
    const other = managerOver(storage);
    await other.open("chat");
    expect((await manager.prune({ max: 1 })).skipped.map(({ conversationId }) => conversationId)).toEqual(["chat"]);
  });
});

describe("a revision is never used again", () => {
  test("after damage inside the journal, so that a backup of before is not taken for one of after", async () => {
    await turn(chat, "a", "one");
    answering(chat);
    for (const token of ["x", "y", "z"]) {
      chat.appendToken(token);
      await chat.flush();
    }
    const journal = { area: "state", name: "chat.journal" } as const;
    const bytes = Buffer.from((await storage.read(journal)) ?? []);
    await chat.backup();
    const lost = chat.revision;
    bytes.write("XX", bytes.indexOf('"token":"x"'));
    await storage.breakLock("chat");
    await storage.replace(journal, bytes);
    const next = await managerOver(storage).open("chat");
    expect(next.revision).toBeGreaterThan(lost);
  });

  test("after a backup stood in for the snapshot, so that the old journal never joins what comes after", async () => {
    await turn(chat, "a", "one");
    chat.update((draft) => void (draft.currentNarrative = "two"));
    await chat.flush();
    await chat.compact();
    answering(chat);
    for (const token of ["x", "y"]) {
      chat.appendToken(token);
      await chat.flush();
    }
    const journal = { area: "state", name: "chat.journal" } as const;
    const old = (await storage.read(journal)) ?? new Uint8Array();
    await storage.breakLock("chat");
    await storage.replace({ area: "state", name: "chat.json" }, Buffer.from("{"));
    const recovered = await managerOver(storage).open("chat");
    const { state } = recovered;
    await storage.breakLock("chat");
    // As a power loss may undo a removal.
    await storage.replace(journal, old);
    expect(await managerOver(storage).loadState("chat")).toEqual(state);
  });
});
