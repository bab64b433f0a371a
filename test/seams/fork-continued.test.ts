/** A spill that was kept as a fork is known to be there, whatever became of the fork before the spill could be removed. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/index.js";
import { MAX_MARKS } from "../../src/model/sessions.js";
import {
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  filesWith,
  ID,
  managerIn,
  outcome,
  reportsOf,
  temporaryDirectory,
  texts,
  told,
  turns,
} from "./seam.js";

afterEach(cleanUp);

interface Setting {
  readonly directory: string;
  readonly fallbackDir: string;
  /** Puts the spill back, as it is where the process was killed before it removed that. */
  readonly putBack: () => void;
}

/** A spill of "one" and "spilled", which becomes a fork, since the conversation went on in the store. */
async function setting(): Promise<Setting> {
  const directory = temporaryDirectory();
  const { fallbackDir } = fallbackIn(directory);
  await told(directory, ["one"], { fallbackDir });
  const disk = new Disk(directory, CONTENT);
  const spilling = managerIn(directory, { storage: disk.storage, fallbackDir });
  const spilled = await spilling.open(ID);
  disk.full = true;
  add(spilled, "spilled");
  await spilled.flush();
  await outcome(spilling.close());
  const without = managerIn(directory);
  await turns(await without.open(ID), "two");
  await without.close();
  const [spill = ""] = filesWith(fallbackDir, "spilled");
  const aside = join(directory, "aside");
  cpSync(spill, aside);
  return {
    directory,
    fallbackDir,
    putBack: () => {
      cpSync(aside, spill);
    },
  };
}

const spillsIn = (fallbackDir: string): string[] => filesBelow(fallbackDir).filter((path) => path.endsWith(".spill"));

/** Opens the conversation, so that the spill becomes a fork; gives the fork's id. */
async function forked(manager: DraftStatePersistenceManager): Promise<string> {
  await (await manager.open(ID)).close();
  return (await manager.ids()).find((id) => id !== ID) ?? "";
}

test("a spill whose fork was continued before a killed process could remove it goes at the next opening, with no warning", async () => {
  const { directory, fallbackDir, putBack } = await setting();
  const manager = managerIn(directory, { fallbackDir });
  const fork = await forked(manager);
  await turns(await manager.open(fork), "more");
  await manager.close();
  putBack();
  const later = managerIn(directory, { fallbackDir });
  const warnings = reportsOf(later);
  await (await later.open(ID)).close();
  expect(spillsIn(fallbackDir)).toEqual([]);
  expect(warnings.filter((each) => each.includes("stays"))).toEqual([]);
  expect(texts(await later.loadState(fork))).toEqual(["one", "spilled", "more"]);
  expect(await outcome(later.remove(ID))).toBe("ok");
});

test("a spill whose fork went on for longer than marks tell is kept once more, and does not stay", async () => {
  const { directory, fallbackDir, putBack } = await setting();
  const manager = managerIn(directory, { fallbackDir });
  const fork = await forked(manager);
  for (let session = 0; session < MAX_MARKS; session += 1) {
    const conversation = await manager.open(fork);
    await turns(conversation, `more ${session}`);
    await conversation.close();
  }
  putBack();
  for (let round = 0; round < 2; round += 1) {
    await (await manager.open(ID)).close();
    expect(spillsIn(fallbackDir)).toEqual([]);
    const forks = (await manager.ids()).filter((id) => id !== ID);
    expect(forks).toHaveLength(2);
    expect(texts(await manager.loadState(forks.find((id) => id !== fork) ?? ""))).toEqual(["one", "spilled"]);
  }
});
