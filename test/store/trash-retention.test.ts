/**
 * What goes from the trash for good, in a store that several managers share: never what an operation under way needs, whichever
 * moment of it that is, nor what another manager keeps. Nothing is ever undone by half.
 */
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager, ManagerOptions } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Key, Storage } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { edit, told } from "../doubles/conversations.js";
import { outcome } from "../seams/seam.js";
import { managerOver, memory, START } from "../doubles/managers.js";

const DAY = 86_400_000;
const KINDS = ["rm", "prune", "restore", "repair", "rename"] as const;
type Kind = (typeof KINDS)[number];

/** Counts nothing: what it asks of the storage is for the conversations. */
function quiet(storage: Storage, options: ManagerOptions = {}, start = START): DraftStatePersistenceManager {
  return managerOver(storage, { metrics: false, ...options }, start);
}

const DAMAGED = "chat_2026-01-14T20-00-00-000Z.json";

/** Two conversations; for a repair the first was edited by hand, and has a damaged backup. */
async function prepared(kind: Kind): Promise<MemoryStorage> {
  const storage = memory();
  const manager = quiet(storage);
  await told(manager, "chat", 2);
  await told(manager, "other", 1);
  await manager.close();
  if (kind === "repair") {
    await edit(storage, "chat", "upon 2", "under 2");
    await storage.replace({ area: "backup", name: DAMAGED }, Buffer.from("{ torn"));
  }
  return storage;
}

function operate(kind: Kind, manager: DraftStatePersistenceManager): Promise<unknown> {
  switch (kind) {
    case "rm":
      return manager.remove("chat");
    case "prune":
      return manager.prune({ id: "chat", max: 0 });
    case "restore":
      return manager.restore("chat", "@1");
    case "repair":
      return manager.repair("chat", { accept: true });
    case "rename":
      return manager.rename("chat", "The whale");
  }
}

/** The storage, with an act before its nth call. */
function interposed(
  storage: Storage,
  at: number,
  act: () => Promise<unknown>,
): { storage: Storage; calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(storage, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function" || name === "describe" || name === "pathOf") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        calls += 1;
        if (calls === at) await act();
        return Reflect.apply(value as (...all: unknown[]) => unknown, target, args);
      };
    },
  });
  return { storage: proxy, calls: () => calls };
}

/** As a person sees it: files that moved as files, those that a repair changes, what a restore or rename changed as state and title. */
async function seen(kind: Kind, storage: Storage): Promise<unknown> {
  if (kind !== "restore" && kind !== "rename")
    return Object.fromEntries(
      Object.entries(await contents(storage)).filter(
        ([name]) => name.includes("chat") && (kind !== "repair" || name.startsWith("state/") || name.endsWith(DAMAGED)),
      ),
    );
  const loaded = await quiet(storage).load("chat");
  return [loaded?.state, loaded?.metadata.title];
}

type Retention = (storage: Storage) => Promise<unknown>;

async function kept(storage: Storage): Promise<string[]> {
  return (await quiet(storage).operations()).map(({ operation }) => operation);
}

/** A process that dies right after a call of its operation, as its nth pending record, say. */
async function killedAfter(
  storage: MemoryStorage,
  kind: Kind,
  isLast: (name: string, key: Key) => boolean,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const dying = new Proxy(storage, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function" || name === "describe" || name === "pathOf") return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const result: unknown = await Reflect.apply(value as (...all: unknown[]) => unknown, target, args);
          if (!isLast(String(name), args[0] as Key)) return result;
          await storage.breakLock("chat");
          resolve();
          return new Promise<never>(() => undefined);
        };
      },
    });
    void operate(kind, quiet(dying));
  });
}

const isPendingRecord = (name: string, key: Key): boolean => name === "replace" && key.name === "pending_chat.json";

async function expire(storage: Storage): Promise<void> {
  const manager = quiet(storage, { trashDays: 30 }, START + 40 * DAY);
  await manager.rename("other", `Title ${Math.random()}`);
  await manager.close();
}

/** Of another process, long after: each takes away whatever it may. */
const RETENTIONS: readonly (readonly [string, Retention])[] = [
  ["expires", expire],
  [
    "empties",
    async (storage) => {
      const manager = quiet(storage);
      await manager.emptyTrash();
      await manager.close();
    },
  ],
];

async function done(kind: Kind, storage: Storage): Promise<void> {
  const manager = quiet(storage);
  await operate(kind, manager);
  await manager.close();
}

describe.each(RETENTIONS)("another manager that %s what is kept", (_name, retention) => {
  test.each(KINDS)("at any moment of %s leaves it as it was, and able to be undone", async (kind) => {
    let [at, isOver, moments] = [0, false, 0];
    while (!isOver) {
      at += 1;
      const storage = await prepared(kind);
      const before = await seen(kind, storage);
      let isUnderWay = false;
      const between = interposed(storage, at, async () => {
        isUnderWay = (await storage.lockHolder("chat")) !== undefined;
        await retention(storage);
      });
      await done(kind, between.storage);
      isOver = between.calls() < at;
      moments += isUnderWay ? 1 : 0;
      const manager = quiet(storage);
      const undone = await outcome(manager.undo("chat"));
      // Once the operation is over, what it keeps can be emptied and grow old.
      if (isUnderWay || undone !== "NOT_FOUND") {
        expect(undone, `at call ${at}`).toBe("ok");
        expect(await seen(kind, storage), `at call ${at}`).toEqual(before);
      }
      await manager.close();
    }
    expect(moments).toBeGreaterThan(6);
  });

  test.each(KINDS)("at any moment of the undo of %s: all is back, or nothing is and it says so", async (kind) => {
    let [at, isOver] = [0, false];
    while (!isOver) {
      at += 1;
      const storage = await prepared(kind);
      const before = await seen(kind, storage);
      await done(kind, storage);
      const after = await seen(kind, storage);
      const between = interposed(storage, at, () => retention(storage));
      const manager = quiet(between.storage);
      const undone = await outcome(manager.undo("chat"));
      await manager.close();
      isOver = between.calls() < at;
      expect(["ok", "NOT_FOUND"]).toContain(undone);
      expect(await seen(kind, storage), `${undone} at call ${at}`).toEqual(undone === "ok" ? before : after);
    }
    expect(at).toBeGreaterThan(5);
  });

  test.each(KINDS)(
    "and an undo of %s at any moment of that: all is back, or nothing is and it says so",
    async (kind) => {
      let [at, isOver] = [0, false];
      while (!isOver) {
        at += 1;
        const storage = await prepared(kind);
        const before = await seen(kind, storage);
        await done(kind, storage);
        const after = await seen(kind, storage);
        const manager = quiet(storage);
        let undone = "not asked";
        const between = interposed(storage, at, async () => {
          undone = await outcome(manager.undo("chat"));
        });
        await retention(between.storage);
        await manager.close();
        isOver = between.calls() < at;
        expect(["ok", "NOT_FOUND", "not asked"]).toContain(undone);
        expect(await seen(kind, storage), `${undone} at call ${at}`).toEqual(undone === "ok" ? before : after);
      }
      expect(at).toBeGreaterThan(5);
    },
  );

  test("and an undo that has begun when only the records are gone: what it puts back is not taken from under it", async () => {
    const storage = await prepared("rm");
    const before = await seen("rm", storage);
    await done("rm", storage);
    const manager = quiet(storage);
    let undoing: Promise<string> | undefined;
    let goOn = (): void => undefined;
    const isHeld = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    // The undo has claimed its record, and moves no file before the retention is over.
    const remove = storage.remove.bind(storage);
    const move = storage.move.bind(storage);
    storage.move = async (...args) => {
      if (args[1].area !== "trash") await isHeld;
      return move(...args);
    };
    storage.remove = async (...args) => {
      if (undoing === undefined && args[0].name.includes("_operation_chat")) {
        undoing = outcome(manager.undo("chat"));
        const isClaimed = (name: string): boolean => name.includes("_undoing_chat");
        while (!(await storage.list("trash")).some(isClaimed)) await Promise.resolve();
      }
      return remove(...args);
    };
    await retention(storage);
    goOn();
    expect(await undoing).toBe("ok");
    expect(await seen("rm", storage)).toEqual(before);
    await manager.close();
  });

  test("and an undo that comes when the record has gone: nothing moves", async () => {
    const storage = await prepared("rm");
    await done("rm", storage);
    const after = await seen("rm", storage);
    const manager = quiet(storage);
    const move = storage.move.bind(storage);
    let isRemoved = false;
    storage.move = async (...args) => {
      // By a process that keeps for a shorter time, after the undo has looked for its record.
      if (!isRemoved) {
        isRemoved = true;
        await storage.remove(args[0]);
      }
      return move(...args);
    };
    expect(await outcome(manager.undo("chat"))).toBe("NOT_FOUND");
    expect(await seen("rm", storage)).toEqual(after);
    await manager.close();
  });
});

test.each([
  ["rm", 2],
  ["repair", 1],
] as const)(
  "an undo of %s that was cut off half-way while another manager removes the record as too old can be begun again, and puts all back",
  async (kind, last) => {
    const storage = await prepared(kind);
    const before = await seen(kind, storage);
    await done(kind, storage);
    const manager = quiet(storage);
    let undone: string | undefined;
    let moved = 0;
    const remove = storage.remove.bind(storage);
    const move = storage.move.bind(storage);
    storage.move = async (...args) => {
      if (undone === undefined && args[1].area !== "trash" && (moved += 1) === last)
        throw new DraftstateError("STORAGE", "cut off");
      return move(...args);
    };
    storage.remove = async (...args) => {
      if (undone === undefined && args[0].name.includes("_operation_chat"))
        undone = await outcome(manager.undo("chat"));
      return remove(...args);
    };
    await expire(storage);
    expect(undone).toBe("STORAGE");
    expect(await outcome(manager.undo("chat"))).toBe("ok");
    expect(await seen(kind, storage)).toEqual(before);
    await manager.close();
  },
);

test("a manager that keeps nothing leaves what another keeps", async () => {
  for (const kind of KINDS) {
    const storage = await prepared(kind);
    const before = await seen(kind, storage);
    await done(kind, storage);
    const other = quiet(storage, { trashDays: 0 }, START + DAY);
    await other.rename("other", "A title");
    await other.prune({ id: "other", max: 0 });
    await other.remove("other");
    await other.close();
    expect(await kept(storage)).toEqual([kind]);
    const manager = quiet(storage);
    await manager.undo();
    expect(await seen(kind, storage)).toEqual(before);
    await manager.close();
  }
});

describe("what a dead process left pending", () => {
  test("keeps its copies, however old they are, until it is settled", async () => {
    const storage = await prepared("repair");
    const before = await seen("repair", storage);
    // Repaired, and killed before that was recorded.
    await killedAfter(storage, "repair", (name, key) => name === "replace" && key.name === "chat.json");
    const late = quiet(storage, {}, START + 40 * DAY);
    await late.rename("other", "A title");
    expect(await kept(storage)).toContain("repair");
    await late.undo("chat");
    expect(await seen("repair", storage)).toEqual(before);
    await late.close();
  });

  test("is settled by a manager that keeps nothing itself, before it changes anything", async () => {
    const storage = await prepared("restore");
    await killedAfter(storage, "restore", isPendingRecord);
    const other = quiet(storage, { trashDays: 0 }, START + DAY);
    await told(other, "chat", 2);
    await other.close();
    expect(await kept(storage)).toEqual([]);
    expect(await storage.list("trash")).toEqual([]);
  });

  test("goes when the trash is emptied, and its copies with it", async () => {
    const storage = await prepared("restore");
    await killedAfter(storage, "restore", isPendingRecord);
    const manager = quiet(storage);
    expect(await manager.emptyTrash()).toBeGreaterThan(0);
    expect(await storage.list("trash")).toEqual([]);
    await manager.close();
  });
});

describe("emptying the trash", () => {
  test("also empties it of conversations that this process has open", async () => {
    const storage = await prepared("restore");
    const manager = quiet(storage);
    const conversation = await manager.open("chat");
    await manager.restore("chat", "@1");
    await manager.rename("other", "A title");
    await manager.emptyTrash();
    expect(await storage.list("trash")).toEqual([]);
    await conversation.close();
    await manager.close();
  });

  test("says which conversations another process has open, whose part stays", async () => {
    const storage = await prepared("restore");
    await done("restore", storage);
    await done("rename", storage);
    const other = quiet(storage);
    await other.rename("other", "A title");
    await other.close();
    const holder = quiet(storage);
    await holder.open("chat");
    const manager = quiet(storage);
    const warned: string[] = [];
    manager.on("warning", ({ conversationId }) => warned.push(conversationId));
    await manager.emptyTrash();
    expect([warned, await kept(storage)]).toEqual([["chat"], ["rename", "restore"]]);
    await manager.close();
    await holder.close();
  });
});
