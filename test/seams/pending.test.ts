/** What a kill leaves of an operation between its pending record and its outcome: it is settled before anything else, or refused. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { CreateManagerOptions, DraftStatePersistenceManager } from "../../src/index.js";
import {
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  found,
  ID,
  managerIn,
  noRoom,
  outcome,
  stateDirectory,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
  turns,
  type StorageCall,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

function field(key: unknown, name: "name" | "area"): string {
  return String(Reflect.get(key as object, name));
}

function isPending(key: unknown): boolean {
  return field(key, "name").startsWith("pending_");
}

function isTrash(key: unknown): boolean {
  return field(key, "area") === "trash";
}

async function kinds(manager: DraftStatePersistenceManager): Promise<string[]> {
  return (await manager.operations()).map(({ operation }) => operation);
}

type Act = (manager: DraftStatePersistenceManager) => Promise<unknown>;
type Moment = "before-content" | "before-commit";

/** The directory as a kill of the manager at that moment of the act leaves it: with a pending record. */
async function killed(
  directory: string,
  moment: Moment,
  act: Act,
  options: CreateManagerOptions = {},
  more: Partial<Record<StorageCall, Turn>> = {},
): Promise<void> {
  const image = temporaryDirectory();
  let isTaken = false;
  const take = (): void => {
    if (isTaken) return;
    isTaken = true;
    cpSync(directory, image, { recursive: true });
  };
  const replace: Turn = async (go, key) => {
    const done = await (more.replace === undefined ? go() : more.replace(go, key));
    if (moment === "before-content" && isPending(key)) take();
    return done;
  };
  const move: Turn = (go, from) => {
    if (moment === "before-commit" && isPending(from)) take();
    return go();
  };
  const manager = managerIn(directory, { ...options, storage: turnedStorage(directory, { ...more, replace, move }) });
  await act(manager);
  await manager.close();
  expect(isTaken).toBe(true);
  rmSync(directory, { recursive: true });
  cpSync(image, directory, { recursive: true });
  const locks = join(stateDirectory(directory), ".draftstate", "locks");
  for (const name of readdirSync(locks)) rmSync(join(locks, name));
}

/** A storage of whose trash nothing can be removed or renamed. */
class FixedTrash {
  isFixed = true;
  readonly storage;

  constructor(directory: string) {
    const refuse: Turn = (go, key) => (this.isFixed && isTrash(key) ? Promise.reject(noRoom()) : go());
    this.storage = turnedStorage(directory, { remove: refuse, move: refuse });
  }
}

const OPERATIONS: readonly [string, Act][] = [
  ["restore", (manager) => manager.restore(ID, "@1")],
  ["rename", (manager) => manager.rename(ID, "first")],
];

describe("a pending record that cannot be settled", () => {
  for (const moment of ["before-content", "before-commit"] as const) {
    test.each(OPERATIONS)(`of a %s killed ${moment}: nothing is written before it is`, async (kind, act) => {
      const directory = temporaryDirectory();
      await told(directory, ["one", "two"]);
      await killed(directory, moment, act);
      const before = await found(directory);
      const trash = new FixedTrash(directory);
      const manager = managerIn(directory, { storage: trash.storage });
      for (const refused of [manager.open(ID), manager.rename(ID, "second"), manager.remove(ID), manager.undo(ID)])
        expect(await outcome(refused)).toBe("STORAGE");
      expect(await found(directory)).toEqual(before);
      trash.isFixed = false;
      add(await manager.open(ID), "three");
      await manager.close();
      expect(await kinds(managerIn(directory))).toEqual(moment === "before-commit" ? [kind] : []);
    });
  }

  test("is not in the way of an undo of other conversations", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    await killed(directory, "before-content", (manager) => manager.rename(ID, "first"));
    const other = managerIn(directory);
    await turns(await other.open("other"), "one");
    await other.rename("other", "second");
    await other.close();
    const refuse: Turn = (go, key) =>
      isPending(key) && field(key, "name").includes(ID) ? Promise.reject(noRoom()) : go();
    const manager = managerIn(directory, { storage: turnedStorage(directory, { remove: refuse, move: refuse }) });
    expect(await manager.undo()).toMatchObject({ operation: "rename", conversationId: "other" });
  });

  test("is settled on a full disk, where nothing new can be written", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    await killed(directory, "before-commit", (manager) => manager.restore(ID, "@1"));
    const refuse: Turn = () => Promise.reject(noRoom());
    const storage = turnedStorage(directory, { replace: refuse, create: refuse });
    const manager = managerIn(directory, { storage, ...fallbackIn(directory) });
    expect(texts((await manager.open(ID)).state)).toEqual(["one"]);
    expect(await kinds(manager)).toEqual(["restore"]);
  });
});

/** The disk is full from the pending record on: what the act writes is spilled, and the process killed before it can commit. */
async function spilledAndKilled(directory: string, act: Act, fallback: CreateManagerOptions): Promise<void> {
  let full = false;
  const refuse: Turn = (go, key) => (full && field(key, "area") === "state" ? Promise.reject(noRoom()) : go());
  const replace: Turn = async (go, key) => {
    const done = await refuse(go, key);
    if (isPending(key)) full = true;
    return done;
  };
  await killed(directory, "before-commit", act, fallback, { replace, createLog: refuse });
}

describe.each(OPERATIONS)("a %s that was spilled before a kill", (kind, act) => {
  test("is offered for undo", async () => {
    const directory = temporaryDirectory();
    const fallback = fallbackIn(directory);
    await told(directory, ["one", "two"], fallback);
    await spilledAndKilled(directory, act, fallback);
    const manager = managerIn(directory, fallback);
    expect(await kinds(manager)).toEqual([kind]);
    await (await manager.open(ID)).close();
    expect(await kinds(manager)).toEqual([kind]);
    await manager.undo(ID);
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two"]);
  });

  test("is offered, also where the clock was ahead once", async () => {
    const directory = temporaryDirectory();
    const fallback = fallbackIn(directory);
    await told(directory, ["one", "two"], fallback);
    // What is done later has a later stamp.
    writeFileSync(join(stateDirectory(directory), ".draftstate", "trash", "2999-01-01T00-00-00-000Z-abcd_state_x"), "");
    await spilledAndKilled(directory, act, fallback);
    const manager = managerIn(directory, fallback);
    await (await manager.open(ID)).close();
    expect(await kinds(manager)).toEqual([kind]);
  });
});

/** As an editor leaves it. */
function edit(directory: string): void {
  const path = join(stateDirectory(directory), `${ID}.json`);
  const text = readFileSync(path, "utf8");
  const edited = text.replace('"content": "one"', '"content": "ONE"');
  expect(edited).not.toBe(text);
  writeFileSync(path, edited);
}

const REPAIR: readonly [string, Act] = ["repair", (manager) => manager.repair(ID, { accept: true })];

describe.each([...OPERATIONS, REPAIR])("a pending %s beside a snapshot that was edited since", (kind, act) => {
  test.each([
    ["before-commit", [kind]],
    ["before-content", []],
  ] as const)("killed %s: it is offered for undo if it happened", async (moment, offered) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    if (kind === "repair") {
      edit(directory);
      await killed(directory, moment, act);
      const path = join(stateDirectory(directory), `${ID}.json`);
      writeFileSync(path, readFileSync(path, "utf8").replace('"content": "two"', '"content": "TWO"'));
    } else {
      await killed(directory, moment, act);
      edit(directory);
    }
    const manager = managerIn(directory);
    expect(await outcome(manager.open(ID))).toBe("CORRUPT");
    expect(await kinds(manager)).toEqual(offered);
    await manager.repair(ID, { accept: true });
    expect(await kinds(manager)).toEqual(["repair", ...offered]);
  });
});

test.each(OPERATIONS)(
  "what a pending %s kept stays where nothing else of the conversation can be read",
  async (_kind, act) => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    await killed(directory, "before-commit", act);
    const kept = filesBelow(join(stateDirectory(directory), ".draftstate", "trash"));
    writeFileSync(join(stateDirectory(directory), `${ID}.json`), "{");
    for (const path of filesBelow(join(directory, "backup"))) rmSync(path);
    const manager = managerIn(directory);
    expect(await outcome(manager.open(ID))).toBe("CORRUPT");
    expect(filesBelow(join(stateDirectory(directory), ".draftstate", "trash"))).toHaveLength(kept.length);
  },
);

test("a restore that did not happen is not offered because of what was spilled before it, out of its sight", async () => {
  const directory = temporaryDirectory();
  const fallback = fallbackIn(directory);
  await told(directory, ["one", "two"]);
  const disk = new Disk(directory, CONTENT);
  const first = managerIn(directory, { storage: disk.storage, ...fallback });
  const conversation = await first.open(ID);
  disk.full = true;
  for (const id of ["three", "four", "five"]) add(conversation, id);
  await conversation.flush();
  await first.close();
  await killed(directory, "before-content", (manager) => manager.restore(ID, "@1"));
  const manager = managerIn(directory, fallback);
  await (await manager.open(ID)).close();
  expect(await kinds(manager)).toEqual([]);
});
