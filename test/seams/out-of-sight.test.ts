/**
 * The state directory is missing, as when its disk is unmounted: nobody is told that what is in it does not exist, none is made in its
 * place, and no lock stays behind. Threads and a LangGraph store's namespaces are no exception.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { DraftstateStore } from "../../src/langgraph/store.js";
import { putLine } from "../doubles/threads.js";
import type { DraftStatePersistenceManager } from "../../src/index.js";
import {
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  ID,
  lockFiles,
  managerIn,
  noRoom,
  outcome,
  stateDirectory,
  told,
  temporaryDirectory,
  texts,
  turnedStorage,
  turns,
} from "./seam.js";

afterEach(cleanUp);

type Act = (manager: DraftStatePersistenceManager, store: DraftstateStore) => Promise<unknown>;

const READ: Readonly<Record<string, Act>> = {
  load: (manager) => manager.load(ID),
  loadState: (manager) => manager.loadState(ID),
  list: (manager) => manager.list(),
  ids: (manager) => manager.ids(),
  "listBackups of one without any": (manager) => manager.listBackups(ID),
  diff: (manager) => manager.diff(ID),
  "restore --dry-run": (manager) => manager.restore(ID, "latest", { dryRun: true }),
  "remove --dry-run": (manager) => manager.remove(ID, { dryRun: true }),
  fork: (manager) => manager.fork(ID),
  operations: (manager) => manager.operations(),
  undone: (manager) => manager.undone(),
  previewUndos: (manager) => manager.previewUndos(),
  verify: (manager) => manager.verify(),
  "verify of one": (manager) => manager.verify(ID),
  copyTo: (manager) => manager.copyTo(managerIn(temporaryDirectory())),
  "a thread": (manager) => manager.threads.get("thread").read(() => Promise.resolve()),
  "the threads' ids": (manager) => manager.threads.ids(),
  "an item": (_manager, store) => store.get(["room"], "key"),
  "a search of items": (_manager, store) => store.search([]),
};

const CHANGE: Readonly<Record<string, Act>> = {
  open: (manager) => manager.open(ID),
  "open another": (manager) => manager.open("another"),
  saveState: (manager) => manager.saveState(ID, { messages: [] }),
  rename: (manager) => manager.rename(ID, "title"),
  restore: (manager) => manager.restore(ID, "latest"),
  remove: (manager) => manager.remove(ID),
  repair: (manager) => manager.repair(ID),
  undo: (manager) => manager.undo(),
  redo: (manager) => manager.redo(),
  migrate: (manager) => manager.migrate(),
  emptyTrash: (manager) => manager.emptyTrash(),
  "a thread's checkpoint": (manager) => putLine(manager.threads.get("thread"), [{}]),
  "an item": (_manager, store) => store.put(["room"], "key", { value: 1 }),
};

async function outcomesOf(manager: DraftStatePersistenceManager): Promise<Record<string, string>> {
  const store = new DraftstateStore({ manager });
  const outcomes: Record<string, string> = {};
  for (const [kind, acts] of Object.entries({ READ, CHANGE }))
    for (const [name, act] of Object.entries(acts)) {
      const got = await outcome(act(manager, store));
      if (got !== "STORAGE") outcomes[`${kind} ${name}`] = got;
    }
  return outcomes;
}

describe("a state directory that is missing", () => {
  test.each([
    ["that this process wrote to", true],
    ["that this process only looked at", false],
  ])("%s is STORAGE for every verb, though no backup tells of it", async (_what, hasWritten) => {
    const directory = temporaryDirectory();
    const writer = managerIn(directory);
    await (await writer.open(ID)).close();
    const manager = hasWritten ? writer : managerIn(directory);
    expect(await manager.load("none")).toBeUndefined();
    renameSync(stateDirectory(directory), `${directory}/away`);
    expect(await outcomesOf(manager)).toEqual({});
    expect(existsSync(stateDirectory(directory))).toBe(false);
  });

  test.each([
    ["", {}],
    [" with a fallback", fallbackIn("/nowhere")],
  ])(
    "is STORAGE for a process that begins%s, where backups tell of it, be they of another conversation",
    async (_how, options) => {
      const directory = temporaryDirectory();
      await told(directory, ["one"]);
      const before = managerIn(directory);
      await before.fork(ID, { newId: "other" });
      await before.remove(ID, { purge: true });
      await before.close();
      renameSync(stateDirectory(directory), `${directory}/away`);
      expect(await outcomesOf(managerIn(directory, options))).toEqual({});
      expect(existsSync(stateDirectory(directory))).toBe(false);
    },
  );

  test("keeps nobody from the backups", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    renameSync(stateDirectory(directory), `${directory}/away`);
    const manager = managerIn(directory);
    expect(await manager.listBackups(ID)).toHaveLength(1);
    expect(await manager.readBackup(ID, "latest")).toMatchObject({ version: { state: { messages: [{ id: "one" }] } } });
  });

  test("that never was has nothing in it", async () => {
    const manager = managerIn(temporaryDirectory());
    expect(await manager.load(ID)).toBeUndefined();
    expect(await manager.list()).toEqual([]);
    expect(await outcome(manager.rename(ID, "title"))).toBe("NOT_FOUND");
  });

  test.each<[string, Act]>([
    ["thread", (manager) => putLine(manager.threads.get("thread"), [{}])],
    ["namespace", (_manager, store) => store.put(["room"], "key", { value: 1 })],
  ])("as the lock of a %s is released leaves no lock once it is back", async (_kind, put) => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const store = new DraftstateStore({ manager });
    await put(manager, store);
    renameSync(stateDirectory(directory), `${directory}/away`);
    await Promise.all([manager.threads.release(), store.close()]);
    renameSync(`${directory}/away`, stateDirectory(directory));
    await manager.close();
    expect(lockFiles(directory)).toEqual([]);
  });
});

test("a fallback directory that is removed once its spills are home is in no reader's way", async () => {
  const directory = temporaryDirectory();
  await told(directory, ["one"]);
  const options = fallbackIn(directory);
  const disk = new Disk(directory, CONTENT);
  const conversation = await managerIn(directory, { ...options, storage: disk.storage }).open(ID);
  disk.full = true;
  await turns(conversation, "spilled");
  const reader = managerIn(directory, options);
  expect(texts(await reader.loadState(ID))).toEqual(["one", "spilled"]);
  disk.full = false;
  await conversation.close();
  rmSync(options.fallbackDir, { recursive: true });
  expect(texts(await reader.loadState(ID))).toEqual(["one", "spilled"]);
});

test("close of a manager waits for its threads where a conversation cannot be closed", async () => {
  const directory = temporaryDirectory();
  let isFull = false;
  const refuse = (go: () => Promise<unknown>): Promise<unknown> => (isFull ? Promise.reject(noRoom()) : go());
  const slow = async (go: () => Promise<unknown>, name: unknown): Promise<unknown> => {
    if (String(name).startsWith("thread")) await new Promise((resolve) => setTimeout(resolve, 50));
    return go();
  };
  const storage = turnedStorage(directory, { replace: refuse, createLog: refuse, tryLock: slow });
  const manager = managerIn(directory, { storage, realTimeSave: false });
  const conversation = await manager.open(ID);
  conversation.update((draft) => {
    draft.currentNarrative = "unsaved";
  });
  isFull = true;
  const put = outcome(putLine(manager.threads.get("thread"), [{}]));
  expect(await outcome(manager.close())).toBe("STORAGE");
  expect(await Promise.race([put, Promise.resolve("under way")])).not.toBe("under way");
  expect(lockFiles(directory)).toEqual([]);
});
