/** A restore that could not be saved at once, and was changed since, stands: the operation that comes next does not take its undo away. */
import { afterEach, expect, test } from "vitest";
import type { Conversation, DraftStatePersistenceManager } from "../../src/index.js";
import {
  add,
  cleanUp,
  ID,
  managerIn,
  noRoom,
  outcome,
  temporaryDirectory,
  told,
  turnedStorage,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

/** The disk has no room from the moment on in which the restore is saved, when something is said too. */
async function standing(): Promise<{
  readonly manager: DraftStatePersistenceManager;
  readonly conversation: Conversation;
  readonly makeRoom: () => void;
}> {
  const directory = temporaryDirectory();
  await told(directory, ["one", "two"]);
  const disk = { isFull: false };
  const createLog: Turn = (go) => {
    if (!disk.isFull) return go();
    if (conversation.durableRevision === conversation.revision - 1) add(conversation, "since");
    return Promise.reject(noRoom());
  };
  const replace: Turn = (go, key) =>
    disk.isFull && Reflect.get(key as object, "name") === `${ID}.json` ? Promise.reject(noRoom()) : go();
  const manager = managerIn(directory, { storage: turnedStorage(directory, { createLog, replace }), retryAttempts: 0 });
  const conversation = await manager.open(ID);
  disk.isFull = true;
  expect(await outcome(manager.restore(ID, "@1"))).toBe("STORAGE");
  return {
    manager,
    conversation,
    makeRoom: () => {
      disk.isFull = false;
    },
  };
}

test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
  ["rename", (manager) => manager.rename(ID, "another")],
  ["restore", (manager) => manager.restore(ID, "@1")],
])("a %s right after it: both can be undone", async (kind, act) => {
  const { manager, makeRoom } = await standing();
  makeRoom();
  await act(manager);
  expect((await manager.operations()).map(({ operation }) => operation)).toEqual([kind, "restore"]);
  await manager.close();
});
