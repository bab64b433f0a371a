/**
 * A conversation that has no backup yet, in a store that others have backups in: while the state directory is away nobody
 * says that it is not there, and a directory that comes back in the middle of a look hides nothing.
 */
import { renameSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager, Storage } from "../../src/index.js";
import {
  add,
  cleanUp,
  managerIn,
  outcome,
  stateDirectory,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
} from "./seam.js";

afterAll(cleanUp);

const NEW = "begun";

async function storeAway(): Promise<string> {
  const directory = temporaryDirectory();
  await told(directory, ["one"]);
  const manager = managerIn(directory);
  add(await manager.open(NEW), "first");
  await manager.close();
  renameSync(stateDirectory(directory), `${stateDirectory(directory)}-away`);
  return directory;
}

function bringBack(directory: string): void {
  renameSync(`${stateDirectory(directory)}-away`, stateDirectory(directory));
}

describe.concurrent("while the state directory is away", () => {
  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["loadState", (manager) => manager.loadState(NEW)],
    ["load", (manager) => manager.load(NEW)],
    ["listBackups", (manager) => manager.listBackups(NEW)],
    ["diff", (manager) => manager.diff(NEW)],
    ["fork", (manager) => manager.fork(NEW, { newId: "copy" })],
    ["restore --dry-run", (manager) => manager.restore(NEW, "latest", { dryRun: true })],
    ["rm --dry-run", (manager) => manager.remove(NEW, { dryRun: true })],
    ["verify", (manager) => manager.verify(NEW)],
    ["watch", (manager) => manager.watch(NEW).next()],
  ])("%s of a conversation without backups is STORAGE", async (_name, act) => {
    expect(await outcome(act(managerIn(await storeAway())))).toBe("STORAGE");
  });
});

/** The directory is back once the first look has missed it. */
function missedOnce(directory: string): Storage {
  let isAway = true;
  return turnedStorage(directory, {
    exists: async (go) => {
      const seen = await go();
      if (isAway) bringBack(directory);
      isAway = false;
      return seen;
    },
  });
}

test("a state directory that comes back after it was missed is looked into", async () => {
  const directory = await storeAway();
  const manager = managerIn(directory, { storage: missedOnce(directory) });
  expect(texts(await manager.loadState(NEW))).toEqual(["first"]);
});

test("a store that comes back after it was missed is listed", async () => {
  const directory = await storeAway();
  const rows = await managerIn(directory, { storage: missedOnce(directory) }).list();
  expect(rows.map((row) => row.conversationId).toSorted()).toEqual([NEW, "tale"]);
});
