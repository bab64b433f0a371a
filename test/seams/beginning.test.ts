/** A store, and a conversation in it, that another manager begins between two looks of this one. */
import { afterAll, expect, test } from "vitest";
import type { Key } from "../../src/index.js";
import { cleanUp, ID, managerIn, stateWith, temporaryDirectory, turnedStorage, type Turn } from "./seam.js";

afterAll(cleanUp);

function isSnapshot(key: unknown): boolean {
  const { area, name } = key as Key;
  return area === "state" && name === `${ID}.json`;
}

/** After the first call of these has looked, another manager saves the conversation, backs it up and closes. */
function begunAfter(directory: string, isLook: (...args: readonly unknown[]) => boolean): Turn {
  let isBegun = false;
  return async (go, ...args) => {
    const found = await go();
    if (isBegun || !isLook(...args)) return found;
    isBegun = true;
    const other = managerIn(directory);
    await other.saveState(ID, stateWith("one"));
    await other.backup(ID);
    await other.close();
    return found;
  };
}

test("a conversation that is begun meanwhile is not reported as one whose snapshot is missing", async () => {
  const directory = temporaryDirectory();
  const storage = turnedStorage(directory, { read: begunAfter(directory, isSnapshot) });
  const { problems } = await managerIn(directory, { storage }).verify(ID);
  expect(problems).toEqual([]);
});

test("a store that is begun meanwhile is not taken for one that is away", async () => {
  const directory = temporaryDirectory();
  const storage = turnedStorage(directory, { exists: begunAfter(directory, () => true) });
  const { kept } = await managerIn(directory, { storage }).prune({ id: ID, max: 1 });
  expect(kept).toHaveLength(1);
});

test("a store that is begun meanwhile has no backup directory that is away", async () => {
  const directory = temporaryDirectory();
  const storage = turnedStorage(directory, { exists: begunAfter(directory, (area) => area !== undefined) });
  expect(await managerIn(directory, { storage }).loadState("another")).toBeNull();
});
