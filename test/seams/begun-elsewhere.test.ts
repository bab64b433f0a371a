/** What another process began a moment ago is not begun anew, however lately this one listed what there is. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cleanUp, ID, managerIn, outcome, stateDirectory, temporaryDirectory, texts, told, turns } from "./seam.js";

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
