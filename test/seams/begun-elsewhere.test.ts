/** What another process began a moment ago is not begun anew, however lately this one listed what there is. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.js";
import {
  cleanUp,
  ID,
  managerIn,
  outcome,
  stateDirectory,
  stateWith,
  temporaryDirectory,
  texts,
  told,
  turns,
} from "./seam.js";

afterEach(cleanUp);

test("a conversation of which another process has made backups, and whose snapshot is gone, is continued from them", async () => {
  const directory = temporaryDirectory();
  const manager = managerIn(directory);
  await turns(await manager.open("listed"), "listed");
  await told(directory, ["one", "two"]);
  rmSync(join(stateDirectory(directory), `${ID}.json`));
  expect(texts((await manager.open(ID)).state)).toEqual(["one", "two"]);
});

test("an id that differs by case alone from what another process began is refused", async () => {
  const directory = temporaryDirectory();
  const manager = managerIn(directory);
  await turns(await manager.open("listed"), "listed");
  await told(directory, ["one"]);
  expect(await outcome(manager.open(ID.toUpperCase()))).toBe("INVALID_ID");
});

const IMPORTED = {
  version: { state: stateWith("imported") as JsonObject, info: { createdAt: "2025-01-01T00:00:00.000Z" }, revision: 5 },
  points: [],
  at: "2025-01-02T00:00:00.000Z",
};

test.each([ID, ID.toUpperCase()])(
  "an import as %s does not trust what was listed for another a moment ago",
  async (id) => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    await manager.import({ ...IMPORTED, id: "listed" });
    await told(directory, ["one", "two"]);
    rmSync(join(stateDirectory(directory), `${ID}.json`));
    expect(await outcome(manager.import({ ...IMPORTED, id }))).toBe("INVALID_ID");
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two"]);
  },
);
