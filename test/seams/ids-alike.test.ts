/** Ids that differ by upper and lower case alone are one file on some file systems, be one of them in a spill: the second is refused. */
import { readdirSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import {
  add,
  cleanUp,
  Disk,
  fallbackIn,
  managerIn,
  outcome,
  stateDirectory,
  temporaryDirectory,
  texts,
  turns,
} from "./seam.js";

afterEach(cleanUp);

/** A conversation of which nothing could be written to the store. */
async function spilledAlone(id: string): Promise<string> {
  const directory = temporaryDirectory();
  const disk = new Disk(directory, ["replace", "createLog", "create"]);
  const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
  const conversation = await manager.open(id);
  disk.full = true;
  add(conversation, "spilled");
  await conversation.flush();
  await outcome(manager.close());
  return directory;
}

test("a conversation is not begun beside one that is in a spill alone", async () => {
  const directory = await spilledAlone("Tale");
  const manager = managerIn(directory, fallbackIn(directory));
  expect(await outcome(manager.open("tale"))).toBe("INVALID_ID");
  await (await manager.open("Tale")).close();
  expect(readdirSync(stateDirectory(directory)).filter((name) => /^tale\./i.test(name))).toEqual(["Tale.json"]);
});

test.each(["open", "rm", "repair"] as const)(
  "%s brings no spill home beside one in the store: it stays",
  async (verb) => {
    const directory = await spilledAlone("Tale");
    const without = managerIn(directory);
    await turns(await without.open("tale"), "saved");
    await without.close();
    const manager = managerIn(directory, fallbackIn(directory));
    const act = {
      open: () => manager.open("Tale"),
      rm: () => manager.remove("Tale"),
      repair: () => manager.repair("Tale"),
    };
    expect(await outcome(act[verb]())).toBe("INVALID_ID");
    expect(texts(await manager.loadState("tale"))).toEqual(["saved"]);
    await manager.fork("Tale", { newId: "another" });
    expect(texts(await manager.loadState("another"))).toEqual(["spilled"]);
    await manager.remove("Tale", { purge: true });
    expect((await manager.ids()).sort()).toEqual(["another", "tale"]);
  },
);
