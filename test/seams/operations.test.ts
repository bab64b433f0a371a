/** Operations against operations and updates: atomic, undone once, and no acknowledged change in neither place. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Conversation, DraftStatePersistenceManager, Storage } from "../../src/index.js";
import { token as appendToken } from "../doubles/answering.js";
import {
  Acknowledged,
  add,
  cleanUp,
  CONTENT,
  Disk,
  found,
  ID,
  managerIn,
  outcome,
  sleep,
  stateDirectory,
  stateWith,
  temporaryDirectory,
  texts,
  textsInBackups,
  told,
  turnedStorage,
  turns,
  type Turn,
} from "./seam.js";

afterAll(cleanUp);

async function offered(manager: DraftStatePersistenceManager): Promise<string[]> {
  return (await manager.operations()).map(({ operation }) => operation);
}

describe("an operation that was refused is not offered for undo:", () => {
  test("a restore in the middle of an answer", async () => {
    const manager = managerIn(temporaryDirectory());
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    add(conversation, "two");
    await conversation.flush();
    const end = conversation.beginAnswer();
    expect(await outcome(manager.restore(ID, "latest"))).toBe("LOCKED");
    end();
    expect(await offered(manager)).toEqual([]);
    add(conversation, "three");
    await conversation.flush();
    expect(await outcome(manager.undo(ID))).toBe("NOT_FOUND");
    expect(texts(conversation.state)).toEqual(["one", "two", "three"]);
  });

  test("the undo of a restore in the middle of an answer, which can still be undone after it", async () => {
    const manager = managerIn(temporaryDirectory());
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    await manager.restore(ID, "@1");
    const end = conversation.beginAnswer();
    expect(await outcome(manager.undo(ID))).toBe("LOCKED");
    end();
    expect([texts(conversation.state), await offered(manager)]).toEqual([["one"], ["restore"]]);
    await manager.undo(ID);
    expect([texts(conversation.state), await offered(manager)]).toEqual([["one", "two"], []]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager, conversation: Conversation) => Promise<boolean>]>([
    [
      "restore",
      async (manager, conversation) => {
        await manager.restore(ID, "latest");
        return texts(conversation.state).length === 1;
      },
    ],
    [
      "rename",
      async (manager, conversation) => {
        await manager.rename(ID, "Another title");
        return conversation.info.title === "Another title";
      },
    ],
  ])("a %s that meets a full disk, unless it happened all the same", async (_name, act) => {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, ["replace", "createLog"]);
    const manager = managerIn(directory, { storage: disk.storage });
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    add(conversation, "two");
    await conversation.flush();
    await conversation.compact();
    disk.full = true;
    expect(await outcome(act(manager, conversation))).toBe("STORAGE");
    disk.full = false;
    await conversation.flush();
    const happened = texts(conversation.state).length === 1 || conversation.info.title === "Another title";
    expect((await offered(manager)).length).toBe(happened ? 1 : 0);
    if (happened) await manager.undo(ID);
    expect([texts(conversation.state), conversation.info.title]).toEqual([["one", "two"], undefined]);
    await manager.close();
    expect(await found(directory)).toEqual(["one", "two"]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>, string]>([
    ["rm", (manager) => manager.remove(ID), "LOCKED"],
    ["repair", (manager) => manager.repair(ID), "LOCKED"],
    ["prune", (manager) => manager.prune({ id: ID, max: 0 }), "LOCKED"],
    ["rename", (manager) => manager.rename(ID, "Another title"), "LOCKED"],
    ["restore", (manager) => manager.restore(ID, "@1"), "LOCKED"],
  ])("%s of a conversation that another writes", async (_name, act, code) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const manager = managerIn(directory);
    await managerIn(directory).open(ID);
    expect(await outcome(act(manager))).toBe(code);
    expect(await offered(manager)).toEqual([]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["rm", (manager) => manager.remove(ID)],
    ["prune", (manager) => manager.prune({ id: ID, max: 0 })],
  ])("%s that may move nothing", async (_name, act) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const disk = new Disk(directory, ["move"]);
    disk.full = true;
    const manager = managerIn(directory, { storage: disk.storage });
    expect(await outcome(act(manager))).toBe("STORAGE");
    disk.full = false;
    expect(await offered(manager)).toEqual([]);
    expect([await found(directory), (await manager.listBackups(ID)).length]).toEqual([["one", "two"], 2]);
  });

  test("repair of what nothing valid is left of", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const manager = managerIn(directory);
    for (const { path } of await manager.listBackups(ID)) writeFileSync(path, "{");
    writeFileSync(join(stateDirectory(directory), `${ID}.json`), "{");
    expect(await outcome(manager.repair(ID))).toBe("CORRUPT");
    expect(await offered(manager)).toEqual([]);
  });

  test("a rename to the same title, and a restore of what is there", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const manager = managerIn(directory);
    await manager.rename(ID, "A title");
    await manager.rename(ID, "A title");
    await manager.restore(ID, "latest");
    expect(await offered(manager)).toEqual(["rename"]);
  });
});

describe("a recipe that calls its own conversation:", () => {
  const INNER: readonly (readonly [string, (conversation: Conversation) => unknown])[] = [
    ["appendToken", (conversation) => conversation.appendToken("inner")],
    [
      "update",
      (conversation) =>
        conversation.update((draft) => {
          draft.currentNarrative = "inner";
        }),
    ],
    ["replaceState", (conversation) => conversation.replaceState(stateWith("inner"))],
    ["replaceStateQuietly", (conversation) => conversation.replaceStateQuietly(stateWith("inner"))],
    ["updateInfo", (conversation) => conversation.updateInfo({ title: "inner" })],
    ["close", (conversation) => conversation.close()],
    ["flush", (conversation) => conversation.flush()],
    ["endTurn", (conversation) => conversation.endTurn()],
    ["backup", (conversation) => conversation.backup()],
    ["beginAnswer", (conversation) => conversation.beginAnswer()],
  ];

  test.each(INNER)("%s leaves memory and disk the same", async (_name, inner) => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory, { saveOnToken: true });
    const conversation = await manager.open(ID);
    add(conversation, "one");
    await conversation.flush();
    const pending: Promise<unknown>[] = [];
    try {
      conversation.update((draft) => {
        Reflect.set(draft, "outer", 1);
        const result = inner(conversation);
        if (result instanceof Promise) pending.push(outcome(result));
      });
    } catch {
      // Refusing is one of the right answers.
    }
    await Promise.all(pending);
    await outcome(conversation.flush());
    expect(await managerIn(directory).loadState(ID)).toEqual(conversation.state);
    await outcome(manager.close());
    expect(await managerIn(directory).loadState(ID)).toEqual(conversation.state);
  });

  test.each(INNER.slice(0, 5))("%s that was not refused has an effect", async (name, inner) => {
    const conversation = await managerIn(temporaryDirectory()).open(ID);
    add(conversation, "one");
    let accepted = false;
    try {
      conversation.update((draft) => {
        Reflect.set(draft, "outer", 1);
        inner(conversation);
        accepted = true;
      });
    } catch {
      accepted = false;
    }
    const seen = JSON.stringify([conversation.state, conversation.info]);
    expect(accepted && !seen.includes("inner") ? `${name} was swallowed` : "").toBe("");
    expect(
      accepted && Reflect.get(conversation.state, "outer") !== 1 && !name.startsWith("replace")
        ? "the outer change was swallowed"
        : "",
    ).toBe("");
  });

  test("one that throws changes nothing, and the next works", async () => {
    const directory = temporaryDirectory();
    const conversation = await managerIn(directory).open(ID);
    add(conversation, "one");
    const { revision } = conversation;
    expect(() => {
      conversation.update((draft) => {
        Reflect.set(draft, "outer", 1);
        throw new Error("of the recipe itself");
      });
    }).toThrow("of the recipe itself");
    expect([conversation.revision, Reflect.get(conversation.state, "outer")]).toEqual([revision, undefined]);
    add(conversation, "two");
    await conversation.flush();
    expect(await found(directory)).toEqual(["one", "two"]);
  });
});

describe.concurrent("two undo() at a time take one operation back once:", () => {
  interface Undoing {
    readonly directory: string;
    readonly manager: DraftStatePersistenceManager;
    /** What the conversation is after one undo. */
    readonly expected: unknown;
    readonly now: () => Promise<unknown>;
  }

  async function prepared(operation: string): Promise<Undoing> {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const manager = managerIn(directory);
    const reader = managerIn(directory);
    const now = async (): Promise<unknown> => ({
      texts: texts(await reader.loadState(ID)),
      title: (await reader.load(ID))?.metadata.title,
      backups: (await reader.listBackups(ID)).filter(({ reason }) => reason === "turn").length,
    });
    await manager.rename(ID, "Before");
    // What was done before must not be taken back in its stead.
    const expected = await now();
    switch (operation) {
      case "restore":
        await manager.restore(ID, "@1");
        break;
      case "rm":
        await manager.remove(ID);
        break;
      case "prune":
        await manager.prune({ id: ID, max: 0 });
        break;
      case "rename":
        await manager.rename(ID, "After");
        break;
    }
    return { directory, manager, expected, now };
  }

  for (const operation of ["restore", "rm", "prune", "rename"]) {
    test.each([
      ["one manager", false],
      ["two managers", true],
    ])(`${operation}, by %s`, async (_name, apart) => {
      for (let round = 0; round < 4; round += 1) {
        const { directory, manager, expected, now } = await prepared(operation);
        await sleep(round === 0 ? 0 : 260);
        const other = apart ? managerIn(directory, { lockTimeout: 5000 }) : manager;
        const before = (await manager.operations()).length;
        const got = await Promise.all([outcome(manager.undo(ID)), outcome(other.undo(ID))]);
        const left = (await manager.operations()).length;
        const undone = got.filter((each) => each === "ok").length;
        // The second may take back the operation before, or report that nothing is left or that the other holds the lock.
        expect(got.filter((each) => !["ok", "NOT_FOUND", "LOCKED"].includes(each))).toEqual([]);
        expect([undone >= 1, before - left]).toEqual([true, undone]);
        if (undone === 1) expect(await now()).toEqual(expected);
        else expect(await now()).toMatchObject({ texts: ["one", "two"], title: "one" });
        await manager.close();
        await other.close();
      }
    });
  }

  test("restore, of an open handle, six times over", async () => {
    for (let round = 0; round < 6; round += 1) {
      const manager = managerIn(temporaryDirectory());
      const conversation = await manager.open(ID);
      await turns(conversation, "one", "two");
      await manager.restore(ID, "@1");
      const got = await Promise.all([outcome(manager.undo(ID)), outcome(manager.undo(ID))]);
      expect([...got].sort()).toEqual(["NOT_FOUND", "ok"]);
      expect([texts(conversation.state), await offered(manager)]).toEqual([["one", "two"], []]);
      await manager.close();
    }
  });
});

describe.concurrent(
  "a change that is acknowledged while an operation works on the open handle is before it or after it, never in neither:",
  () => {
    type Work = readonly [
      string,
      (manager: DraftStatePersistenceManager) => Promise<unknown>,
      (manager: DraftStatePersistenceManager) => Promise<unknown>,
    ];
    const none = (): Promise<void> => Promise.resolve();
    const WORK: readonly Work[] = [
      ["restore", none, (manager) => manager.restore(ID, "@1")],
      ["undo of a restore", (manager) => manager.restore(ID, "@1"), (manager) => manager.undo(ID)],
      ["restore of the newest", none, (manager) => manager.restore(ID, "latest")],
      ["rename", none, (manager) => manager.rename(ID, "Another title")],
      ["undo of a rename", (manager) => manager.rename(ID, "Another title"), (manager) => manager.undo(ID)],
      ["backup", none, (manager) => manager.backup(ID, { reason: "manual", tag: "kept" })],
      ["fork", none, (manager) => manager.fork(ID, { newId: "copy" })],
      ["prune", none, (manager) => manager.prune({ id: ID, max: 1 })],
      [
        "two restores at a time",
        none,
        (manager) => Promise.all([manager.restore(ID, "@1"), manager.restore(ID, "latest")]),
      ],
    ];

    /** Everything that is, was kept, or that undoing brings back. */
    async function everywhere(
      directory: string,
      manager: DraftStatePersistenceManager,
      conversation: Conversation,
    ): Promise<Set<string>> {
      const all = new Set(texts(conversation.state));
      const meet = async (): Promise<void> => {
        for (const text of [...texts(conversation.state), ...(await textsInBackups(directory))]) all.add(text);
      };
      await meet();
      for (let count = 0; count < 5 && (await outcome(manager.undo(ID))) === "ok"; count += 1) await meet();
      return all;
    }

    test.each(WORK)("%s", async (_name, before, act) => {
      const directory = temporaryDirectory();
      const slow: Turn = (go) => sleep(4).then(go);
      const manager = managerIn(directory, { maxBackups: 50, storage: turnedStorage(directory, { create: slow }) });
      const conversation = await manager.open(ID);
      await turns(conversation, "one", "two");
      await before(manager);
      const acknowledged = new Acknowledged();
      let busy = true;
      const talking = (async () => {
        for (let count = 0; busy && count < 200; count += 1) {
          await acknowledged.say(conversation, `live ${count}`);
          await sleep(1);
        }
      })();
      await sleep(3);
      await outcome(act(manager));
      busy = false;
      await talking;
      expect(acknowledged.ids).not.toEqual([]);
      expect(acknowledged.missingFrom(await everywhere(directory, manager, conversation))).toEqual([]);
      await manager.close();
    });

    test("saveState beside a restore", async () => {
      for (let round = 0; round < 5; round += 1) {
        const directory = temporaryDirectory();
        const slow: Turn = (go) => sleep(4).then(go);
        const manager = managerIn(directory, { maxBackups: 50, storage: turnedStorage(directory, { create: slow }) });
        const conversation = await manager.open(ID);
        await turns(conversation, "one", "two");
        const restoring = outcome(manager.restore(ID, "@1"));
        await sleep(round * 3);
        const saved = await outcome(manager.saveState(ID, stateWith("one", "two", "saved")));
        await restoring;
        const all = await everywhere(directory, manager, conversation);
        expect(saved !== "ok" || all.has("saved")).toBe(true);
        await manager.close();
      }
    });

    test("tokens beside a restore", async () => {
      const directory = temporaryDirectory();
      const slow: Turn = (go) => sleep(4).then(go);
      const manager = managerIn(directory, {
        saveOnToken: true,
        maxBackups: 50,
        storage: turnedStorage(directory, { create: slow }),
      });
      const conversation = await manager.open(ID);
      await turns(conversation, "one", "two");
      const restoring = outcome(manager.restore(ID, "@1"));
      let told = "";
      for (let count = 0; count < 20; count += 1) {
        const token = ` ${count};`;
        appendToken(conversation, token);
        await conversation.whenDurable(conversation.revision);
        told += token;
        await sleep(1);
      }
      await restoring;
      await manager.close();
      const reader = managerIn(directory);
      const narratives = [JSON.stringify(await reader.loadState(ID))];
      for (const [index, { timestamp }] of (await reader.listBackups(ID)).entries()) {
        await reader.fork(ID, { backup: timestamp, newId: `probe${index}` });
        narratives.push(JSON.stringify(await reader.loadState(`probe${index}`)));
      }
      const tokens = told
        .split(";")
        .slice(0, -1)
        .map((token) => `${token};`);
      expect(tokens.filter((token) => !narratives.some((narrative) => narrative.includes(token)))).toEqual([]);
    });
  },
);

describe("what an operation decides by, it reads in its own turn:", () => {
  function plantDraft(directory: string): void {
    mkdirSync(stateDirectory(directory), { recursive: true });
    const metadata = { version: "1.0.0-draft", savedAt: "2025-01-14T21:30:00.000Z", conversationId: ID };
    writeFileSync(
      join(stateDirectory(directory), `${ID}.json`),
      JSON.stringify({ ...stateWith("one"), _metadata: metadata }),
    );
  }

  /** Something that happens between what a caller reads first and its turn: the lock of the conversation comes late. */
  function meanwhile(directory: string, act: () => Promise<unknown>): Storage {
    let isDone = false;
    const tryLock: Turn = async (go) => {
      if (!isDone) {
        isDone = true;
        await act();
      }
      return go();
    };
    return turnedStorage(directory, { tryLock });
  }

  const BETWEEN: readonly (readonly [string, (manager: DraftStatePersistenceManager) => Promise<unknown>])[] = [
    ["a save", (manager) => manager.saveState(ID, stateWith("one", "two"))],
    [
      "a session",
      async (manager) => {
        const conversation = await manager.open(ID);
        await turns(conversation, "two");
        await conversation.close();
      },
    ],
    ["another migration", (manager) => manager.migrate()],
  ];

  test.each(BETWEEN)("migrate beside %s of the same manager", async (_name, act) => {
    const directory = temporaryDirectory();
    plantDraft(directory);
    const manager = managerIn(directory);
    const [result] = await Promise.all([manager.migrate(), act(manager)]);
    expect(result.failed).toEqual([]);
  });

  test.each(BETWEEN)("migrate, and %s of another process between its look and its lock", async (_name, act) => {
    const directory = temporaryDirectory();
    plantDraft(directory);
    const storage = meanwhile(directory, async () => {
      const other = managerIn(directory);
      await act(other);
      await other.close();
    });
    const { migrated, upToDate, failed } = await managerIn(directory, { storage }).migrate();
    expect([migrated, upToDate, failed]).toEqual([[], 1, []]);
  });

  test("migrate, while a removal takes the conversation away", async () => {
    const directory = temporaryDirectory();
    plantDraft(directory);
    const storage = meanwhile(directory, async () => {
      const other = managerIn(directory);
      await other.remove(ID);
      await other.close();
    });
    const { migrated, upToDate, failed } = await managerIn(directory, { storage }).migrate();
    expect([migrated, upToDate, failed]).toEqual([[], 0, []]);
  });

  test("a restore of the latest backup goes back to the one that a save makes which was asked for before", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const manager = managerIn(directory);
    const saved = manager.saveState(ID, stateWith("one", "two"));
    const { restoredFrom } = await manager.restore(ID, "latest");
    await saved;
    expect((await manager.readBackup(ID, restoredFrom)).version.state).toMatchObject(stateWith("one", "two"));
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two"]);
  });

  test("a restore of the latest backup, and a turn of another process between its look and its lock", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const storage = meanwhile(directory, () => told(directory, ["two"]));
    const manager = managerIn(directory, { storage });
    await manager.restore(ID, "latest");
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two"]);
    const timestamps = (await manager.listBackups(ID)).map(({ timestamp }) => timestamp);
    expect([...timestamps].sort().reverse()).toEqual(timestamps);
  });

  test("a restore of a backup that a prune takes which was asked for before", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two", "three"]);
    const manager = managerIn(directory);
    const pruned = manager.prune({ id: ID, max: 1 });
    expect(await outcome(manager.restore(ID, "@2"))).toBe("NOT_FOUND");
    await pruned;
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two", "three"]);
  });
});

describe("an operation under a full disk", () => {
  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["restore", (manager) => manager.restore(ID, "@1")],
    ["rename", (manager) => manager.rename(ID, "Another title")],
    ["rm", (manager) => manager.remove(ID)],
    ["prune", (manager) => manager.prune({ id: ID, max: 0 })],
    ["backup", (manager) => manager.backup(ID, { reason: "manual", tag: "kept" })],
  ])("%s rejects and leaves the conversation as it was", async (_name, act) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const disk = new Disk(directory, [...CONTENT, "move"]);
    const manager = managerIn(directory, { storage: disk.storage });
    await manager.list();
    disk.full = true;
    expect(await outcome(act(manager))).toBe("STORAGE");
    disk.full = false;
    await outcome(manager.close());
    const reader = managerIn(directory);
    expect([
      texts(await reader.loadState(ID)),
      (await reader.load(ID))?.metadata.title,
      (await reader.listBackups(ID)).length,
      await offered(reader),
    ]).toEqual([["one", "two"], "one", 2, []]);
  });
});
