/** A spill that finds no room in its store: nothing acts as if what is in the store were all there is. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { beginTurn, type Conversation, type DraftStatePersistenceManager } from "../../src/index.js";
import {
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  ID,
  managerIn,
  noRoom,
  outcome,
  reportsOf,
  stateDirectory,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

/** A session that says something while the disk is full, and is over. */
async function spill(directory: string): Promise<void> {
  const disk = new Disk(directory, CONTENT);
  const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
  const conversation = await manager.open(ID);
  disk.full = true;
  add(conversation, "spilled");
  await conversation.flush();
  await outcome(manager.close());
}

/** The first snapshot of the conversation has no room. */
function refusingOnce(directory: string): DraftStatePersistenceManager {
  let refusals = 1;
  const replace: Turn = (go, key) =>
    Reflect.get(key as object, "name") === `${ID}.json` && refusals-- > 0 ? Promise.reject(noRoom()) : go();
  return managerIn(directory, { storage: turnedStorage(directory, { replace }), ...fallbackIn(directory) });
}

describe("while what was spilled has no room in the store, the store is not taken for current:", () => {
  /** A spill that is ahead of a snapshot, which may be harmed, and a manager that finds no room for it at first. */
  async function behind(
    harm: (text: string) => string = (text) => text,
  ): Promise<{ readonly directory: string; readonly manager: DraftStatePersistenceManager }> {
    const directory = temporaryDirectory();
    await told(directory, ["saved"]);
    await spill(directory);
    const path = join(stateDirectory(directory), `${ID}.json`);
    writeFileSync(path, harm(readFileSync(path, "utf8")));
    return { directory, manager: refusingOnce(directory) };
  }

  const torn = (text: string): string => text.slice(0, text.length / 2);

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>, (text: string) => string]>([
    ["repair", (manager) => manager.repair(ID), torn],
    ["repair of what needs none", (manager) => manager.repair(ID), (text) => text],
    ["rm", (manager) => manager.remove(ID), (text) => text],
    ["open of what would go to quarantine first", (manager) => manager.open(ID), torn],
  ])("%s is refused, and changes nothing", async (_name, act, harm) => {
    const { directory, manager } = await behind(harm);
    const before = readFileSync(join(stateDirectory(directory), `${ID}.json`), "utf8");
    expect(await outcome(act(manager))).toBe("STORAGE");
    expect(readFileSync(join(stateDirectory(directory), `${ID}.json`), "utf8")).toBe(before);
    expect(await manager.operations()).toEqual([]);
    await manager.close();
    const later = managerIn(directory, fallbackIn(directory));
    expect(texts((await later.open(ID)).state)).toEqual(["saved", "spilled"]);
    expect(await later.ids()).toEqual([ID]);
  });

  test("the undo of a repair is refused, and can be undone later", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["saved"]);
    const path = join(stateDirectory(directory), `${ID}.json`);
    const damaged = torn(readFileSync(path, "utf8"));
    writeFileSync(path, damaged);
    const repairer = managerIn(directory);
    await repairer.repair(ID);
    await repairer.close();
    await spill(directory);
    const manager = refusingOnce(directory);
    expect(await outcome(manager.undo(ID))).toBe("STORAGE");
    expect((await manager.operations()).map(({ operation }) => operation)).toEqual(["repair"]);
    const { safetyBackup } = await manager.undo(ID);
    expect(readFileSync(path, "utf8")).toBe(damaged);
    expect(texts((await manager.readBackup(ID, safetyBackup ?? "")).version.state)).toEqual(["saved", "spilled"]);
  });

  test("an answer that was spilled in the middle is continued under a revision of its own", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["saved"]);
    const disk = new Disk(directory, CONTENT);
    const dying = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    const conversation = await dying.open(ID);
    disk.full = true;
    conversation.update((draft) => {
      draft.streamingProperties.streamingStartTime = "2026-01-14T21:30:00.000Z";
      draft.streamingProperties.partialResponse = "half an";
    });
    await conversation.flush();
    const { revision } = conversation;
    await outcome(dying.close());
    const full = new Disk(directory, CONTENT);
    const next = managerIn(directory, { storage: full.storage, ...fallbackIn(directory) });
    full.full = true;
    expect((await next.open(ID)).revision).toBe(revision + 1);
    full.full = false;
  });
});

describe("a session that changed nothing", () => {
  /** What a writer that was killed leaves: a snapshot and a journal behind it. */
  async function killed(directory: string): Promise<void> {
    const refuseSnapshots: Turn = (go, key) =>
      Reflect.get(key as object, "name") === `${ID}.json` ? Promise.reject(noRoom()) : go();
    await told(directory, ["saved"], fallbackIn(directory));
    const storage = turnedStorage(directory, { replace: refuseSnapshots });
    const manager = managerIn(directory, { storage, ...fallbackIn(directory) });
    const conversation = await manager.open(ID);
    add(conversation, "in the journal");
    await conversation.flush();
    await manager.close();
  }

  test("spills nothing when it is closed on a full disk, and nothing becomes of it", async () => {
    const directory = temporaryDirectory();
    await killed(directory);
    const disk = new Disk(directory, CONTENT);
    disk.full = true;
    const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    const failed: unknown[] = [];
    manager.on("saveError", (event) => failed.push(event));
    const conversation = await manager.open(ID);
    expect(texts(conversation.state)).toEqual(["saved", "in the journal"]);
    expect([await outcome(conversation.close()), await outcome(manager.close()), failed]).toEqual(["ok", "ok", []]);
    expect(filesBelow(fallbackIn(directory).fallbackDir).filter((path) => path.endsWith(".spill"))).toEqual([]);
    const later = managerIn(directory, fallbackIn(directory));
    const reports = reportsOf(later);
    expect(texts((await later.open(ID)).state)).toEqual(["saved", "in the journal"]);
    expect([await later.ids(), reports]).toEqual([[ID], []]);
  });
});

test("an answer that was cut off is spilled by no session that changes nothing, and by one that does", async () => {
  const directory = temporaryDirectory();
  const writer = await managerIn(directory).open(ID);
  writer.update((draft) => {
    beginTurn(draft, { at: "2026-01-14T21:30:00.000Z" });
  });
  writer.appendToken("cut off");
  await writer.flush();
  const image = temporaryDirectory();
  cpSync(directory, image, { recursive: true, filter: (path) => !path.endsWith(".lock") });
  const disk = new Disk(image, CONTENT);
  disk.full = true;
  const open = async (change: (conversation: Conversation) => void): Promise<void> => {
    const manager = managerIn(image, { storage: disk.storage, ...fallbackIn(image) });
    const conversation = await manager.open(ID);
    change(conversation);
    await conversation.flush();
    expect(await outcome(manager.close())).toBe("ok");
  };
  await open(() => undefined);
  expect(filesBelow(fallbackIn(image).fallbackDir)).toEqual([]);
  await open((conversation) => {
    add(conversation, "spilled");
  });
  expect(filesBelow(fallbackIn(image).fallbackDir)).toHaveLength(1);
  expect(texts(await managerIn(image, fallbackIn(image)).loadState(ID))).toEqual(["cut off", "spilled"]);
});
