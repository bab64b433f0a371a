/** While a snapshot is being written, tokens go on becoming durable; once it is there, the journal holds what came since, and nothing else. */
import { beforeEach, describe, expect, test } from "vitest";
import { scanJournal } from "../../src/journal/scan.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Content, Key, Lock, Storage } from "../../src/storage/storage.js";
import { begin, managerOver, memory } from "../doubles/managers.js";

const JOURNAL: Key = { area: "state", name: "chat.journal" };

interface Gate {
  readonly open: () => void;
  /** Resolves when somebody stands before it. */
  readonly reached: Promise<void>;
}

let storage: MemoryStorage;
let manager: DraftStatePersistenceManager;
let conversation: Conversation;
let hold: () => Gate;
let failNextJournal: boolean;

/** Storage whose snapshots wait at a gate, where there is one. */
function gated(inner: MemoryStorage): Storage {
  let gate: { reached: () => void; opened: Promise<void> } | undefined;
  hold = () => {
    let open: () => void = () => undefined;
    let reached: () => void = () => undefined;
    const whenReached = new Promise<void>((resolve) => (reached = resolve));
    gate = { reached, opened: new Promise<void>((resolve) => (open = resolve)) };
    return {
      open: () => {
        gate = undefined;
        open();
      },
      reached: whenReached,
    };
  };
  const methods: Partial<Storage> = {
    replace: async (key: Key, content: Content, guard?: Lock) => {
      gate?.reached();
      await gate?.opened;
      await inner.replace(key, content, guard);
    },
    createLog: async (...args: Parameters<MemoryStorage["createLog"]>) => {
      if (failNextJournal) {
        failNextJournal = false;
        throw Object.assign(new Error("no journal today"), { code: "EIO" });
      }
      return inner.createLog(...args);
    },
  };
  return new Proxy<Storage>(inner, {
    get: (target, name) =>
      (Reflect.get(methods, name) as unknown) ??
      (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
  });
}

beforeEach(async () => {
  storage = memory();
  failNextJournal = false;
  manager = managerOver(gated(storage), { maxQueuedChanges: 4 });
  conversation = await manager.open("chat");
  begin(conversation, "Tell me");
  await conversation.flush();
  conversation.appendToken("one");
  await conversation.flush();
});

async function journalRecords(): Promise<{ base: number | undefined; revisions: number[] }> {
  const { header, records } = scanJournal((await storage.read(JOURNAL)) ?? new Uint8Array());
  return { base: header?.base, revisions: records.map(({ revision }) => revision) };
}

async function readAgain(): Promise<string | undefined> {
  return (await managerOver(storage).loadState("chat"))?.currentNarrative;
}

describe("a snapshot that takes its time", () => {
  test("holds no token back: each is durable, and read, before the snapshot is", async () => {
    const gate = hold();
    const compacted = conversation.compact();
    await gate.reached;
    conversation.appendToken(" two");
    await conversation.flush();
    expect(conversation.durableRevision).toBe(conversation.revision);
    expect(await readAgain()).toBe("one two");
    gate.open();
    await compacted;
    expect(await readAgain()).toBe("one two");
  });

  test("leaves a journal of what came since alone", async () => {
    const before = conversation.revision;
    const gate = hold();
    const compacted = conversation.compact();
    await gate.reached;
    conversation.appendToken(" two");
    await conversation.flush();
    gate.open();
    await compacted;
    expect(await journalRecords()).toEqual({ base: before, revisions: [before + 1] });
    conversation.appendToken(" three");
    await conversation.flush();
    expect(await journalRecords()).toEqual({ base: before, revisions: [before + 1, before + 2] });
    expect(await readAgain()).toBe("one two three");
  });

  test("leaves no journal where nothing came", async () => {
    await conversation.compact();
    expect(await storage.read(JOURNAL)).toBeUndefined();
  });

  test("never leaves a record that is half in the snapshot and half behind it, however much was merged", async () => {
    for (let round = 0; round < 20; round += 1) {
      const gate = hold();
      for (let token = 0; token < 10; token += 1) conversation.appendToken(` ${round}.${token}`);
      const compacted = conversation.compact();
      await gate.reached;
      for (let token = 10; token < 20; token += 1) conversation.appendToken(` ${round}.${token}`);
      await conversation.flush();
      expect(await readAgain()).toBe(conversation.state.currentNarrative);
      gate.open();
      await compacted;
      expect(await readAgain()).toBe(conversation.state.currentNarrative);
    }
  });

  test("that fails leaves the journal with everything", async () => {
    const gate = hold();
    const compacted = conversation.compact();
    await gate.reached;
    conversation.appendToken(" two");
    await conversation.flush();
    await storage.breakLock("chat");
    gate.open();
    await expect(compacted).rejects.toMatchObject({ code: "LOCKED" });
    expect(await readAgain()).toBe("one two");
  });

  test("closing waits for it", async () => {
    const gate = hold();
    const compacted = conversation.compact();
    await gate.reached;
    conversation.appendToken(" two");
    const closed = conversation.close();
    gate.open();
    await Promise.all([compacted, closed]);
    expect(await storage.read(JOURNAL)).toBeUndefined();
    expect(await readAgain()).toBe("one two");
  });

  test("and a journal that cannot be begun anew: the whole state goes to a new snapshot, and nothing is lost", async () => {
    const gate = hold();
    const compacted = conversation.compact();
    await gate.reached;
    conversation.appendToken(" two");
    await conversation.flush();
    failNextJournal = true;
    gate.open();
    await compacted;
    conversation.appendToken(" three");
    await conversation.flush();
    expect(await readAgain()).toBe("one two three");
  });

  test("is made while tokens never pause", async () => {
    const small = managerOver(storage, { saveOnToken: true, journalBudget: 1024, maxQueuedChanges: 2 });
    const busy = await small.open("busy");
    let snapshots = 0;
    small.on("stateSaved", ({ kind }) => (snapshots += kind === "snapshot" ? 1 : 0));
    begin(busy, "Go on");
    const pour = setInterval(() => {
      for (let token = 0; token < 20; token += 1) busy.appendToken(" word");
    }, 0);
    await expect.poll(() => snapshots, { timeout: 20_000 }).toBeGreaterThan(2);
    clearInterval(pour);
    await busy.flush();
    // Before it is closed, which would make a snapshot of all: the journal itself must tell it.
    const other = managerOver(storage);
    expect((await other.verify("busy")).problems).toEqual([]);
    expect((await other.loadState("busy"))?.currentNarrative).toBe(busy.state.currentNarrative);
    await busy.close();
    expect((await managerOver(storage).loadState("busy"))?.currentNarrative).toBe(busy.state.currentNarrative);
  });
});
