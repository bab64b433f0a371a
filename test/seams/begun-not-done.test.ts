/** A removal or prune whose record was written, and none of whose files moved, did not happen: it is not offered for undo, nor undone in place of the last one that did. */
import { afterEach, expect, test } from "vitest";
import type { DraftStatePersistenceManager, Key } from "../../src/index.js";
import {
  cleanUp,
  found,
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

const isRecord = (key: unknown): boolean => (key as Key).name.includes("_operation_");

/** Refused as the record is made, though it is there; nothing after it can be done, as when the process is killed. */
function refusing(): { readonly turns: Record<string, Turn>; ended: boolean } {
  const state = { ended: false, turns: {} as Record<string, Turn> };
  const guarded: Turn = (go) => (state.ended ? Promise.reject(noRoom()) : go());
  state.turns = {
    create: async (go, key) => {
      if (!isRecord(key)) return guarded(go);
      await go();
      state.ended = true;
      throw noRoom();
    },
    move: guarded,
    remove: guarded,
    stat: guarded,
  };
  return state;
}

test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
  ["prune", (manager) => manager.prune({ id: ID, max: 1 })],
  ["rm", (manager) => manager.remove(ID)],
])("a %s that ended before the first file moved", async (_kind, act) => {
  const directory = temporaryDirectory();
  await told(directory, ["one", "two", "three"]);
  const before = managerIn(directory);
  await before.rename(ID, "title");
  await before.close();
  const { turns } = refusing();
  const cutOff = managerIn(directory, { storage: turnedStorage(directory, turns) });
  expect(await outcome(act(cutOff))).toBe("STORAGE");
  await outcome(cutOff.close());
  const manager = managerIn(directory);
  expect((await manager.operations()).map(({ operation }) => operation)).toEqual(["rename"]);
  expect(await manager.previewUndos()).toHaveLength(1);
  expect(await manager.undo()).toMatchObject({ operation: "rename" });
  expect(await outcome(manager.undo())).toBe("NOT_FOUND");
  expect(await found(directory)).toEqual(["one", "two", "three"]);
  expect(await manager.listBackups(ID)).toHaveLength(3);
  await manager.remove(ID, { purge: true });
  expect(await manager.storage.list("trash")).toEqual([]);
});
