/**
 * Who may write, from when to when: a lock is its owner's whatever its clock says, and a session ends when it is closed.
 * Most of it waits, for a slow storage or another process, so tests run at a time.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Conversation, DraftStatePersistenceManager } from "../../src/index.js";
import { ABSENCES, Place } from "./absence.js";
import { Child } from "./child.js";
import { contentsOf } from "./contents-of.js";
import {
  add,
  cleanUp,
  found,
  ID,
  lockFiles,
  managerIn,
  outcome,
  outcomeOf,
  sleep,
  stateDirectory,
  stateWith,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
  turns,
  valueOr,
  type StorageCall,
  type Turn,
} from "./seam.js";

afterAll(cleanUp);

/** Hides /proc, as on macOS: what is known of a process then comes from `ps`. */
const WITHOUT_PROC = `
  const fs = (await import("node:fs")).default;
  const { syncBuiltinESMExports } = await import("node:module");
  const hidden = (path) => String(path).startsWith("/proc");
  const none = (path) => Object.assign(new Error("ENOENT " + path), { code: "ENOENT" });
  for (const name of ["readFile", "readlink"]) {
    const [callback, promised, sync] = [fs[name], fs.promises[name], fs[name + "Sync"]];
    fs[name] = (path, ...rest) => (hidden(path) ? rest.at(-1)(none(path)) : callback(path, ...rest));
    fs.promises[name] = (path, ...rest) => (hidden(path) ? Promise.reject(none(path)) : promised(path, ...rest));
    fs[name + "Sync"] = (path, ...rest) => { if (hidden(path)) throw none(path); return sync(path, ...rest); };
  }
  syncBuiltinESMExports();
`;

/** The host has another name by now. */
const RENAMED_HOST = `
  const os = (await import("node:os")).default;
  const { syncBuiltinESMExports } = await import("node:module");
  os.hostname = () => "renamed-host";
  syncBuiltinESMExports();
`;

function preloading(script: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...env, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
}

const hasPs = spawnSync("ps", ["-o", "lstart=", "-p", String(process.pid)]).status === 0;
const NOTHING = "";

describe.concurrent("a lock", () => {
  const children: Child[] = [];

  afterAll(async () => {
    for (const child of children.splice(0)) await child.kill();
  });

  function start(script: string, env: Readonly<Record<string, string>>): Child {
    const child = new Child(script, env);
    children.push(child);
    return child;
  }

  async function owned(directory: string, env: Readonly<Record<string, string>>): Promise<Child> {
    const owner = start(
      `const conversation = await managerIn(${JSON.stringify(directory)}).open("${ID}"); conversation.update((draft) => { draft.owner = true; }); await conversation.flush(); say("ready"); await hear();`,
      env,
    );
    expect(await owner.line()).toBe("ready");
    return owner;
  }

  async function openedBy(directory: string, env: Readonly<Record<string, string>>): Promise<string> {
    return start(
      `say(await outcome(managerIn(${JSON.stringify(directory)}).open("${ID}"))); process.exit(0);`,
      env,
    ).line();
  }

  const elsewhere: readonly [string, Record<string, string>, Record<string, string>][] = [
    // Where there is no ps to ask, only what /proc says can be compared.
    [
      "in another time zone, without /proc",
      preloading(hasPs ? WITHOUT_PROC : NOTHING, { TZ: "UTC", LC_ALL: "C" }),
      preloading(hasPs ? WITHOUT_PROC : NOTHING, { TZ: "Asia/Tokyo", LC_ALL: "C" }),
    ],
    [
      "in another locale, without /proc",
      preloading(hasPs ? WITHOUT_PROC : NOTHING, { TZ: "UTC", LC_ALL: "C" }),
      preloading(hasPs ? WITHOUT_PROC : NOTHING, { TZ: "UTC", LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" }),
    ],
    ["in another time zone", { TZ: "UTC" }, { TZ: "Asia/Tokyo" }],
    ["once the host has another name", {}, preloading(RENAMED_HOST)],
  ];

  test.each(elsewhere)("keeps out who looks at it %s", async (_where, own, other) => {
    const directory = temporaryDirectory();
    await owned(directory, own);
    expect(await openedBy(directory, other)).toBe("LOCKED");
  });

  test.each(elsewhere)("of a dead owner is free for who looks at it %s", async (_where, own, other) => {
    const directory = temporaryDirectory();
    const owner = await owned(directory, own);
    await owner.kill();
    expect(await openedBy(directory, other)).toBe("ok");
  });
});

type Writing = readonly [string, (conversation: Conversation) => unknown];

const WRITING: readonly Writing[] = [
  ["update", (conversation) => add(conversation, "late")],
  ["appendToken", (conversation) => conversation.appendToken("late")],
  ["replaceState", (conversation) => conversation.replaceState(stateWith("late"))],
  ["replaceStateQuietly", (conversation) => conversation.replaceStateQuietly(stateWith("late"))],
  ["updateInfo", (conversation) => conversation.updateInfo({ title: "late" })],
  ["beginAnswer", (conversation) => conversation.beginAnswer()],
  ["endTurn", (conversation) => conversation.endTurn()],
  ["backup", (conversation) => conversation.backup()],
  ["compact", (conversation) => conversation.compact()],
];

const CLOSING: readonly (readonly [
  string,
  (manager: DraftStatePersistenceManager, conversation: Conversation) => Promise<void>,
])[] = [
  ["by itself", (_manager, conversation) => conversation.close()],
  ["by manager.close()", (manager) => manager.close()],
];

describe.concurrent.each(CLOSING)("a handle closed %s", (_how, close) => {
  test.each(WRITING)("refuses %s with USAGE, and writes nothing beside the next writer", async (_name, write) => {
    const directory = temporaryDirectory();
    const [m1, m2] = [managerIn(directory), managerIn(directory)];
    const closed = await m1.open(ID);
    add(closed, "one");
    await close(m1, closed);
    const next = await m2.open(ID);
    await turns(next, "two");
    const before = contentsOf(directory);
    await sleep(5);
    const refused = await outcomeOf(() => write(closed));
    await outcome(closed.flush());
    expect(contentsOf(directory)).toEqual(before);
    expect(refused).toBe("USAGE");
  });

  test("takes no backup that recovery would take for the newest state", async () => {
    const directory = temporaryDirectory();
    const [m1, m2] = [managerIn(directory), managerIn(directory)];
    const closed = await m1.open(ID);
    add(closed, "one");
    await close(m1, closed);
    const next = await m2.open(ID);
    await turns(next, "two");
    const before = (await m2.listBackups(ID)).length;
    await sleep(5);
    for (const act of [() => closed.endTurn(), () => closed.flush(), () => closed.compact(), () => closed.backup()])
      await outcomeOf(act);
    expect((await m2.listBackups(ID)).length).toBe(before);
    await next.close();
    writeFileSync(join(stateDirectory(directory), `${ID}.json`), "{}");
    expect(await found(directory)).toContain("two");
  });
});

describe.concurrent("a manager whose handle was closed", () => {
  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["rename", (manager) => manager.rename(ID, "late")],
    ["restore", (manager) => manager.restore(ID, "latest")],
    ["backup", (manager) => manager.backup(ID, { reason: "manual", tag: "late" })],
    ["saveState", (manager) => manager.saveState(ID, stateWith("late"))],
    ["remove", (manager) => manager.remove(ID)],
    ["prune", (manager) => manager.prune({ id: ID, max: 0 })],
    ["repair", (manager) => manager.repair(ID)],
  ])("does not %s beside another's session: LOCKED", async (_name, act) => {
    const directory = temporaryDirectory();
    const [m1, m2] = [managerIn(directory), managerIn(directory)];
    const closed = await m1.open(ID);
    await turns(closed, "one", "two");
    await closed.close();
    const next = await m2.open(ID);
    add(next, "three");
    await next.flush();
    const before = contentsOf(directory);
    expect(await outcome(act(m1))).toBe("LOCKED");
    expect(contentsOf(directory)).toEqual(before);
  });
});

/** Each change that a storage makes while another manager has the conversation open. */
class Watched {
  isOpenElsewhere = false;
  beside: string[] = [];

  turn(name: StorageCall, pause = 0): Turn {
    return async (go) => {
      await sleep(pause);
      if (this.isOpenElsewhere) this.beside.push(name);
      return go();
    };
  }
}

describe.concurrent("an operation holds its lock to its end: when the handle closes meanwhile,", () => {
  test.each<
    [string, StorageCall, (manager: DraftStatePersistenceManager, conversation: Conversation) => Promise<unknown>]
  >([
    ["prune", "move", (manager) => manager.prune({ id: ID, max: 0 })],
    ["purging prune", "remove", (manager) => manager.prune({ id: ID, max: 0, purge: true })],
    ["restore", "create", (manager) => manager.restore(ID, "@2")],
    ["backup", "create", (manager) => manager.backup(ID, { reason: "manual", tag: "kept" })],
    ["rename", "create", (manager) => manager.rename(ID, "Another title")],
    ["saveState", "replace", (manager) => manager.saveState(ID, stateWith("one", "two"))],
    [
      "endTurn",
      "create",
      (_manager, conversation) => {
        add(conversation, "five");
        return conversation.endTurn();
      },
    ],
  ])("%s changes nothing beside the next session", async (_name, slow, act) => {
    // Closed early in the operation, and later.
    for (const begun of [2, 5, 20]) {
      const directory = temporaryDirectory();
      await told(directory, ["one", "two", "three", "four"]);
      const watched = new Watched();
      const changes = (["replace", "create", "move", "remove", "createLog"] as const).map(
        (name) => [name, watched.turn(name, name === slow ? 25 : 0)] as const,
      );
      const m1 = managerIn(directory, { storage: turnedStorage(directory, Object.fromEntries(changes)) });
      const m2 = managerIn(directory);
      const conversation = await m1.open(ID);
      const acting = outcome(act(m1, conversation));
      await sleep(begun);
      await outcome(conversation.close());
      const next = await valueOr(m2.open(ID));
      watched.isOpenElsewhere = typeof next !== "string";
      await acting;
      watched.isOpenElsewhere = false;
      await outcome(m1.close());
      expect(watched.beside).toEqual([]);
    }
  });
});

describe.concurrent.each(ABSENCES)("while the directory of locks is away (%s)", (how) => {
  test.each(CLOSING)("a handle that closes %s leaves no lock for as long as the process lives", async (_how, close) => {
    const away = new Place(how);
    const manager = away.manager();
    const conversation = await manager.open(ID);
    add(conversation, "one");
    await conversation.flush();
    await conversation.compact();
    away.takeAway();
    await outcome(close(manager, conversation));
    away.bringBack();
    const again = away.manager();
    expect(await outcome(again.open(ID))).toBe("ok");
    await again.close();
    expect(await outcome(away.manager().open(ID))).toBe("ok");
  });

  test("a handle that closed is free for its own manager too", async () => {
    const away = new Place(how);
    const manager = away.manager();
    const conversation = await manager.open(ID);
    add(conversation, "one");
    await conversation.flush();
    await conversation.compact();
    away.takeAway();
    await outcome(conversation.close());
    away.bringBack();
    expect(await outcome(manager.open(ID))).toBe("ok");
  });
});

describe.concurrent(
  "once manager.close() has resolved, nothing of the manager touches the store and no lock remains, though",
  () => {
    test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
      ["remove", (manager) => manager.remove(ID)],
      ["prune", (manager) => manager.prune({ id: ID, max: 0 })],
      ["repair", (manager) => manager.repair(ID)],
      ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
      ["migrate", (manager) => manager.migrate()],
      ["verify", (manager) => manager.verify()],
      ["undo", (manager) => manager.undo(ID)],
      ["saveState", (manager) => manager.saveState(ID, stateWith("one", "late"))],
      ["saveState of another", (manager) => manager.saveState("other", stateWith("one", "late"))],
      ["rename", (manager) => manager.rename(ID, "Another title")],
      ["restore", (manager) => manager.restore(ID, "@2")],
      ["backup", (manager) => manager.backup(ID)],
      ["open", (manager) => manager.open(ID)],
      ["openNew", (manager) => manager.openNew()],
      ["list", (manager) => manager.list()],
      ["load", (manager) => manager.load(ID)],
      ["listBackups", (manager) => manager.listBackups(ID)],
      ["emptyTrash", (manager) => manager.emptyTrash()],
      [
        "a handle's endTurn",
        async (manager) => {
          const conversation = await manager.open(ID);
          await turns(conversation, "four");
        },
      ],
    ])("%s was under way", async (name, act) => {
      // Closed early in the operation, and later.
      for (const begun of [1, 15, 40, 80]) {
        const directory = temporaryDirectory();
        await told(directory, ["one", "two", "three"]);
        if (name === "undo" || name === "emptyTrash") {
          const before = managerIn(directory);
          await before.rename(ID, "A title");
          await before.close();
        }
        let closed = false;
        const late: string[] = [];
        const slow: Turn = async (go) => {
          await sleep(10);
          if (closed) late.push("a call");
          return go();
        };
        const manager = managerIn(directory, { storage: turnedStorage(directory, {}, slow) });
        const acting = outcome(act(manager));
        await sleep(begun);
        expect(await outcome(manager.close())).toBe("ok");
        closed = true;
        const locks = lockFiles(directory);
        await acting;
        await sleep(30);
        expect([locks, late, lockFiles(directory)]).toEqual([[], [], []]);
      }
    });

    test("the fork that was under way is whole or not there", async () => {
      const directory = temporaryDirectory();
      await told(directory, ["one", "two"]);
      const slow: Turn = (go) => sleep(5).then(go);
      const manager = managerIn(directory, { storage: turnedStorage(directory, {}, slow) });
      const forking = outcome(manager.fork(ID, { newId: "copy" }));
      await sleep(15);
      await manager.close();
      const forked = await forking;
      expect([forked === "ok" ? ["one", "two"] : [], texts(await managerIn(directory).loadState("copy"))]).toEqual(
        forked === "ok"
          ? [
              ["one", "two"],
              ["one", "two"],
            ]
          : [[], []],
      );
    });
  },
);
