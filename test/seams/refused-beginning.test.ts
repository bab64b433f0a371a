/** An import or a fork that is refused leaves nothing, and one that leaves something was not refused. */
import { afterEach, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/index.js";
import { versionAt } from "../doubles/snapshots.js";
import {
  cleanUp,
  fallbackIn,
  filesBelow,
  ID,
  managerIn,
  noRoom,
  outcome,
  stateWith,
  temporaryDirectory,
  told,
  turnedStorage,
  type StorageCall,
} from "./seam.js";

afterEach(cleanUp);

const NEW = "begun";

const BEGINNINGS: [string, (manager: DraftStatePersistenceManager) => Promise<unknown>][] = [
  ["fork", (manager) => manager.fork(ID, { newId: NEW })],
  [
    "import",
    (manager) =>
      manager.import({
        id: NEW,
        version: versionAt(5, stateWith("a", "b") as never),
        points: [
          {
            timestamp: "2025-01-01T00-00-00-000Z",
            version: versionAt(2, stateWith("a") as never),
            note: undefined,
          },
          {
            timestamp: "2025-01-02T00-00-00-000Z",
            version: versionAt(3, stateWith("b") as never),
            note: undefined,
          },
        ],
        at: "2025-01-03T00:00:00.000Z",
      }),
  ],
];

/** Calls that write a file, each with the place of its key among the arguments. */
const WRITES: readonly [StorageCall, number][] = [
  ["replace", 0],
  ["create", 0],
  ["createLog", 0],
];

describe.each(BEGINNINGS)("a refused %s", (_name, begin) => {
  test.each([
    ["without a fallback", false],
    ["with a fallback", true],
  ])("leaves nothing, whichever of its writes has no room, %s", async (_how, hasFallback) => {
    let isDone = false;
    for (let refused = 0; !isDone; refused += 1) {
      const directory = temporaryDirectory();
      const options = hasFallback ? fallbackIn(directory) : {};
      await told(directory, ["one"], options);
      const before = filesBelow(directory);
      let count = -1;
      const turns = Object.fromEntries(
        WRITES.map(([call, at]) => [
          call,
          (go: () => Promise<unknown>, ...args: readonly unknown[]) => {
            if (["state", "backup"].includes(String(Reflect.get(args[at] as object, "area")))) count += 1;
            return count === refused ? Promise.reject(noRoom()) : go();
          },
        ]),
      );
      const manager = managerIn(directory, { storage: turnedStorage(directory, turns), ...options });
      const first = await outcome(begin(manager));
      const left = filesBelow(directory).filter((path) => !before.includes(path));
      isDone = count < refused;
      if (first === "ok") expect(await manager.loadState(NEW)).not.toBeNull();
      else {
        expect([first, left, await manager.loadState(NEW)]).toEqual(["STORAGE", [], null]);
        expect(await outcome(begin(manager))).toBe("ok");
      }
      expect(await outcome(manager.close())).toBe("ok");
    }
  });
});
