/**
 * One queue an id: nobody is refused by chance, and each caller gets the outcome of its own request. Most of it waits for an
 * idle session, so tests run at a time.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Conversation, DraftStatePersistenceManager } from "../../src/index.js";
import {
  add,
  cleanUp,
  Disk,
  found,
  ID,
  lockFiles,
  managerIn,
  outcome,
  sleep,
  stateDirectory,
  stateWith,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
  turns,
  valueOr,
  type Turn,
} from "./seam.js";

afterAll(cleanUp);

type Act = readonly [string, (manager: DraftStatePersistenceManager) => Promise<unknown>];

/** All that a manager does to a conversation which no caller has open. */
const ACTS: readonly Act[] = [
  ["saveState", (manager) => manager.saveState(ID, stateWith("one", "two", "three"))],
  ["saveStateOnToken", (manager) => manager.saveStateOnToken(ID, stateWith("one", "two", "three"))],
  ["rename", (manager) => manager.rename(ID, "Another title")],
  ["backup", (manager) => manager.backup(ID)],
  ["restore", (manager) => manager.restore(ID, "@1")],
  ["open", async (manager) => (await manager.open(ID)).close()],
  ["remove", (manager) => manager.remove(ID)],
  ["repair", (manager) => manager.repair(ID)],
  ["prune", (manager) => manager.prune({ id: ID, max: 1 })],
  ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
];

/** Before the idle session of the last save is let go, while that is under way, and after. */
const IDLE = 250;

describe.concurrent("while the idle session of the last save closes", () => {
  test("no save or rename of a manager that nobody closed is refused", async () => {
    const directory = temporaryDirectory();
    const managers = [0, 1, 2, 3].map(() => managerIn(directory));
    const refused: string[] = [];
    await Promise.all(
      managers.map(async (manager, index) => {
        for (let count = 0; count < 24; count += 1) {
          const got = await outcome(
            count % 4 === 3
              ? manager.rename(`tale${index}`, `Title ${count}`)
              : manager.saveState(`tale${index}`, { ...stateWith("one"), text: `${"x".repeat(20_000)}${count}` }),
          );
          if (got !== "ok") refused.push(got);
          await sleep(IDLE - 3 + (count % 8));
        }
      }),
    );
    expect(refused).toEqual([]);
  });

  test.each(ACTS)("%s waits for it", async (name, act) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    // From the end of its idle time on, the session takes 120 ms to close.
    let saved = false;
    const slow: Turn = async (go) => {
      if (saved) await sleep(120);
      return go();
    };
    const manager = managerIn(directory, { storage: turnedStorage(directory, { replace: slow }) });
    await manager.saveState(ID, stateWith("one", "two", "saved"));
    await manager.rename(ID, "A title, in the journal");
    saved = true;
    await sleep(IDLE + 40);
    expect(await outcome(act(manager))).toBe("ok");
    expect(await outcome(manager.close())).toBe("ok");
    const now = await found(directory);
    expect(name === "remove" ? now : now.slice(0, 1)).toEqual(name === "remove" ? [] : ["one"]);
  });

  test("many calls at the same time all get in, in turn", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const manager = managerIn(directory);
    for (let round = 0; round < 5; round += 1) {
      const got = await Promise.all(
        ACTS.filter(([name]) => !["open", "remove", "repair", "fork", "restore"].includes(name)).map(([, act]) =>
          outcome(act(manager)),
        ),
      );
      expect(got).toEqual(got.map(() => "ok"));
      await sleep(IDLE - 4 + round * 2);
    }
  });
});

describe.concurrent("open() that is asked first", () => {
  test.each<Act>([
    ["saveState", (manager) => manager.saveState(ID, stateWith("one", "two", "three"))],
    ["saveStateOnChange", (manager) => manager.saveStateOnChange(ID, stateWith("one", "two", "three"))],
    ["rename", (manager) => manager.rename(ID, "Another title")],
    ["backup", (manager) => manager.backup(ID)],
    ["restore", (manager) => manager.restore(ID, "@1")],
    ["prune", (manager) => manager.prune({ id: ID, max: 1 })],
    ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
  ])("is not turned away by a later %s of its own manager, nor the other way round", async (_name, act) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const manager = managerIn(directory);
    // Something is saved already, so that whatever is made once is made.
    await manager.saveState("other", stateWith("other"));
    const opening = valueOr(manager.open(ID));
    const acting = outcome(act(manager));
    const conversation = await opening;
    expect([typeof conversation === "string" ? conversation : "ok", await acting]).toEqual(["ok", "ok"]);
    add(conversation as Conversation, "later");
    expect(await outcome(manager.close())).toBe("ok");
    expect(await found(directory)).toContain("later");
  });

  test("and saveState of a new conversation both get in", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    await manager.saveState("other", stateWith("other"));
    const [opening, saving] = [outcome(manager.open(ID)), outcome(manager.saveState(ID, stateWith("saved")))];
    expect([await opening, await saving]).toEqual(["ok", "ok"]);
    await manager.close();
    expect(await found(directory)).toEqual(["saved"]);
  });

  test("twice is LOCKED for the second alone, whose refusal harms the first in nothing", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const [first, second] = [valueOr(manager.open(ID)), outcome(manager.open(ID))];
    expect(await second).toBe("LOCKED");
    add((await first) as Conversation, "one");
    await manager.close();
    expect(await found(directory)).toEqual(["one"]);
  });

  test("after a saveState that was not awaited gets in when that is through", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const saving = outcome(manager.saveState(ID, stateWith("saved")));
    const conversation = await valueOr(manager.open(ID));
    expect([await saving, typeof conversation === "string" ? conversation : texts(conversation.state)]).toEqual([
      "ok",
      ["saved"],
    ]);
  });
});

describe.concurrent("close()", () => {
  test("of a manager that saved everything resolves, though an open() under way finds its conversation locked", async () => {
    const directory = temporaryDirectory();
    const [other, manager] = [managerIn(directory), managerIn(directory, { lockTimeout: 150 })];
    await other.open("held");
    add(await manager.open("mine"), "one");
    const opening = outcome(manager.open("held"));
    expect(await outcome(manager.close())).toBe("ok");
    expect(await opening).not.toBe("ok");
    expect(await found(directory, {}, "mine")).toEqual(["one"]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["saveState", (manager) => manager.saveState("held", stateWith("one"))],
    ["rename", (manager) => manager.rename("held", "A title")],
    ["remove", (manager) => manager.remove("held")],
    ["prune", (manager) => manager.prune({ id: "held", max: 0 })],
    ["repair", (manager) => manager.repair("held")],
    ["fork", (manager) => manager.fork("missing", { newId: "copy" })],
    ["restore", (manager) => manager.restore("missing", "latest")],
  ])("does not tell of the refusal of a %s, which its own caller is told", async (_name, act) => {
    const directory = temporaryDirectory();
    const [other, manager] = [managerIn(directory), managerIn(directory, { lockTimeout: 100 })];
    await turns(await other.open("held"), "held");
    add(await manager.open("mine"), "one");
    const acting = outcome(act(manager));
    expect(await outcome(manager.close())).toBe("ok");
    expect(await acting).not.toBe("ok");
  });

  test("resolves though an open() under way finds its conversation damaged", async () => {
    const directory = temporaryDirectory();
    const before = managerIn(directory);
    await (await before.open("damaged")).close();
    await before.saveState("damaged", stateWith("one"));
    await before.close();
    writeFileSync(join(stateDirectory(directory), "damaged.json"), "{");
    for (const { path } of await managerIn(directory)
      .listBackups("damaged")
      .catch(() => []))
      writeFileSync(path, "{");
    const manager = managerIn(directory);
    add(await manager.open("mine"), "one");
    const opening = outcome(manager.open("damaged"));
    expect(await outcome(manager.close())).toBe("ok");
    expect(["CORRUPT", "USAGE"]).toContain(await opening);
  });

  test("closes every session even if one fails, and reports every failure", async () => {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, []);
    const refuse: Turn = (go, key) =>
      disk.full && /^(?:first|second)/.test(String((key as { readonly name?: string }).name))
        ? Promise.reject(new Error("no room"))
        : go();
    const manager = managerIn(directory, {
      storage: turnedStorage(directory, { replace: refuse, createLog: refuse, create: refuse }),
    });
    const conversations = await Promise.all(["first", "healthy", "second"].map((id) => manager.open(id)));
    disk.full = true;
    for (const conversation of conversations) add(conversation, "one");
    const error: unknown = await manager.close().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(lockFiles(directory)).toEqual([]);
    expect(await found(directory, {}, "healthy")).toEqual(["one"]);
    const all = [error, ...(error instanceof AggregateError ? (error.errors as unknown[]) : [])].map(String).join("\n");
    expect([all.includes("first"), all.includes("second")]).toEqual([true, true]);
  });

  test("again is the same: it resolves once, and never rejects for what was told already", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    add(await manager.open(ID), "one");
    expect(await Promise.all([outcome(manager.close()), outcome(manager.close())])).toEqual(["ok", "ok"]);
    expect(await outcome(manager.close())).toBe("ok");
    expect(await found(directory)).toEqual(["one"]);
  });
});

describe.concurrent.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
  ["nothing", () => Promise.resolve()],
  [
    "a save",
    async (manager) => {
      await manager.saveState(ID, stateWith("saved"));
      await sleep(IDLE - 1);
    },
  ],
  [
    "a save just released",
    async (manager) => {
      await manager.saveState(ID, stateWith("saved"));
      await sleep(IDLE + 2);
    },
  ],
])("after %s,", (_first, before) => {
  test("an open() under way does not outlive close(): nothing is open, and no lock remains", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    await before(manager);
    const opening = valueOr(manager.open(ID));
    await outcome(manager.close());
    const locks = lockFiles(directory);
    const conversation = await opening;
    await sleep(60);
    expect([locks, lockFiles(directory)]).toEqual([[], []]);
    if (typeof conversation === "string") return;
    expect(
      await outcome(
        (async () => {
          add(conversation, "late");
          await conversation.flush();
        })(),
      ),
    ).toBe("USAGE");
  });

  test.each<Act>([
    ["saveState", (manager) => manager.saveState(ID, stateWith("accepted"))],
    ["saveStateOnToken", (manager) => manager.saveStateOnToken(ID, stateWith("accepted"))],
    ["openNew", (manager) => manager.openNew()],
  ])("%s under way does not outlive close(), and is on the disk where it resolved", async (name, act) => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    await before(manager);
    const acting = outcome(act(manager));
    await outcome(manager.close());
    const locks = lockFiles(directory);
    const acted = await acting;
    await sleep(60);
    expect([locks, lockFiles(directory)]).toEqual([[], []]);
    if (acted === "ok" && name !== "openNew") expect(await found(directory)).toEqual(["accepted"]);
  });
});
