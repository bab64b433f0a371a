/** A directory that goes away between two steps of a command, or has gone while a process runs: STORAGE, and nothing is made or taken for empty in its place. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager, Key } from "../../src/index.js";
import {
  cleanUp,
  found,
  ID,
  managerIn,
  outcome,
  reportsOf,
  stateDirectory,
  temporaryDirectory,
  told,
  turnedStorage,
  turns,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

function takeAway(path: string): void {
  renameSync(path, `${path}-away`);
}

function bringBack(path: string): void {
  rmSync(path, { recursive: true, force: true });
  renameSync(`${path}-away`, path);
}

describe("a state directory that goes away", () => {
  test("after it was seen is not made anew", async () => {
    const directory = temporaryDirectory();
    const state = stateDirectory(directory);
    await told(directory, ["one", "two"]);
    let isThere = true;
    const exists: Turn = async (go) => {
      const seen = await go();
      if (isThere) takeAway(state);
      isThere = false;
      return seen;
    };
    const manager = managerIn(directory, { storage: turnedStorage(directory, { exists }) });
    expect(await outcome(manager.open(ID))).toBe("STORAGE");
    expect(existsSync(state)).toBe(false);
    bringBack(state);
    expect(await found(directory)).toEqual(["one", "two"]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager, snapshot: string) => Promise<unknown>]>([
    ["restore", (manager) => manager.restore(ID, "@1")],
    [
      "repair",
      (manager, snapshot) => {
        writeFileSync(snapshot, readFileSync(snapshot, "utf8").slice(0, 99));
        return manager.repair(ID);
      },
    ],
  ])("while the undo of a %s reads its copy is STORAGE, and the undo works once it is back", async (_kind, act) => {
    const directory = temporaryDirectory();
    const state = stateDirectory(directory);
    await told(directory, ["one", "two"]);
    const before = managerIn(directory);
    await act(before, join(state, `${ID}.json`));
    await before.close();
    let isThere = true;
    const read: Turn = (go, key) => {
      const { area, name } = key as Key;
      if (isThere && area === "trash" && name.includes("_state_")) {
        isThere = false;
        takeAway(state);
      }
      return go();
    };
    const manager = managerIn(directory, { storage: turnedStorage(directory, { read }) });
    expect(await outcome(manager.undo(ID))).toBe("STORAGE");
    bringBack(state);
    expect(await outcome(manager.undo(ID))).toBe("ok");
  });

  test("before an undo looks for the last operation is STORAGE, not nothing to undo", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const manager = managerIn(directory);
    await manager.rename(ID, "title");
    await manager.close();
    takeAway(stateDirectory(directory));
    expect(await outcome(managerIn(directory).undo(ID))).toBe("STORAGE");
    expect(await outcome(managerIn(temporaryDirectory()).undo(ID))).toBe("NOT_FOUND");
  });

  test("while an undo of it waits for its turn is STORAGE, not undone by another", async () => {
    const directory = temporaryDirectory();
    const state = stateDirectory(directory);
    await told(directory, ["one", "two"]);
    const before = managerIn(directory);
    await before.prune({ id: ID, max: 1 });
    await before.close();
    let looks = 0;
    const read: Turn = (go, key) => {
      if ((key as Key).name.includes("_operation_") && (looks += 1) === 2) takeAway(state);
      return go();
    };
    const manager = managerIn(directory, { storage: turnedStorage(directory, { read }) });
    expect(await outcome(manager.undo(ID))).toBe("STORAGE");
    bringBack(state);
    expect(await outcome(manager.undo(ID))).toBe("ok");
  });
});

describe("a backup directory that went away while a process runs", () => {
  async function withoutBackups(): Promise<{
    readonly directory: string;
    readonly backups: string;
    readonly manager: DraftStatePersistenceManager;
  }> {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    await conversation.close();
    const backups = join(directory, "backup");
    takeAway(backups);
    return { directory, backups, manager };
  }

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["rm", (manager) => manager.remove(ID)],
    ["rm --purge", (manager) => manager.remove(ID, { purge: true })],
    ["rm --dry-run", (manager) => manager.remove(ID, { dryRun: true })],
    ["backups", (manager) => manager.listBackups(ID)],
    ["restore", (manager) => manager.restore(ID, "latest")],
    ["diff", (manager) => manager.diff(ID)],
    ["prune", (manager) => manager.prune({ max: 1 })],
    ["prune of one", (manager) => manager.prune({ id: ID, max: 1 })],
    ["prune --dry-run", (manager) => manager.prune({ max: 1, dryRun: true })],
    ["backup", (manager) => manager.backup(ID)],
    ["a new conversation", (manager) => manager.open("other", { expect: "new" })],
  ])("%s is STORAGE, and changes nothing", async (_name, act) => {
    const { directory, backups, manager } = await withoutBackups();
    expect(await outcome(act(manager))).toBe("STORAGE");
    bringBack(backups);
    expect(await found(directory)).toEqual(["one", "two"]);
    expect(await manager.listBackups(ID)).toHaveLength(2);
    expect(await outcome(manager.undo(ID))).toBe("NOT_FOUND");
  });

  test("a conversation whose snapshot is gone or damaged is not begun anew", async () => {
    const { directory, backups, manager } = await withoutBackups();
    const snapshot = join(stateDirectory(directory), `${ID}.json`);
    for (const harm of [() => writeFileSync(snapshot, "{"), () => rmSync(snapshot)]) {
      harm();
      expect(await outcome(manager.loadState(ID))).toBe("STORAGE");
      expect(await outcome(manager.open(ID))).toBe("STORAGE");
    }
    bringBack(backups);
    expect(await found(directory)).toEqual(["one", "two"]);
  });

  test("keeps no conversation from being continued and listed", async () => {
    const { manager } = await withoutBackups();
    const conversation = await manager.open(ID);
    await turns(conversation, "three");
    expect(await manager.list()).toMatchObject([{ conversationId: ID, messageCount: 3 }]);
  });

  test("is made anew by the next process, which says so", async () => {
    const { directory, manager } = await withoutBackups();
    await manager.close();
    const next = managerIn(directory);
    const reports = reportsOf(next);
    await next.rename(ID, "title");
    expect(reports).toMatchObject([expect.stringContaining("was made anew")]);
  });
});

test("a store that is used for the first time has no backup directory that is away", async () => {
  const directory = temporaryDirectory();
  mkdirSync(stateDirectory(directory));
  const manager = managerIn(directory);
  const reports = reportsOf(manager);
  expect(await manager.loadState(ID)).toBeNull();
  await manager.open(ID);
  expect(reports).toEqual([]);
});

test("a redo of a prune whose backups are away is STORAGE in a fresh process, and works once they are back", async () => {
  const directory = temporaryDirectory();
  const backups = join(directory, "backup");
  await told(directory, ["one", "two", "three"]);
  const pruning = managerIn(directory);
  await pruning.prune({ id: ID, max: 1 });
  await pruning.undo();
  await pruning.close();
  takeAway(backups);
  const fresh = managerIn(directory);
  expect(await outcome(fresh.redo())).toBe("STORAGE");
  expect(existsSync(backups)).toBe(false);
  await fresh.close();
  bringBack(backups);
  const later = managerIn(directory);
  expect(await later.redo()).toMatchObject({ operation: "prune" });
  expect(await later.listBackups(ID)).toHaveLength(1);
});
