/**
 * Power loss at every operation of a removal, a prune, a restore, a repair, a rename, and of the undo of each, in every
 * state the disk may be left in: no file is gone from its place and from the trash, and undo, run again, gives back what was there.
 * The last tests take the syncs of directories away and must see it.
 */
import { describe, expect, test } from "vitest";
import { messageOf } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { Storage } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { edit, told } from "../doubles/conversations.js";
import { managerOver, START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const KINDS = ["rm", "prune", "restore", "repair", "rename"] as const;
type Kind = (typeof KINDS)[number];
type Files = Record<string, string>;

let boots = 0;

function storageAfterBoot(fs: FileSystem): Storage {
  boots += 1;
  return storageOver(fs, new ProcessWorld(`boot-${boots}`).table(1), `b${boots}x`);
}

async function onDisk<T>(
  fs: FileSystem,
  act: (manager: DraftStatePersistenceManager, storage: Storage) => Promise<T>,
): Promise<T> {
  const storage = storageAfterBoot(fs);
  const manager = managerOver(storage, {}, START + boots * 60_000);
  const result = await act(manager, storage);
  await manager.close();
  return result;
}

/** Two conversations; for a repair the first was edited by hand. */
async function prepared(kind: Kind): Promise<SimulatedFileSystem> {
  const disk = new SimulatedFileSystem();
  await onDisk(disk, async (manager, storage) => {
    await told(manager, "chat", 2);
    await told(manager, "other", 1);
    if (kind === "repair") await edit(storage, "chat", "upon 2", "under 2");
  });
  return disk.settled();
}

function operate(kind: Kind, manager: DraftStatePersistenceManager): Promise<unknown> {
  switch (kind) {
    case "rm":
      return manager.removeAll(["chat", "other"]);
    case "prune":
      return manager.prune({ max: 0 });
    case "restore":
      return manager.restore("chat", "~1");
    case "repair":
      return manager.repair("chat", { accept: true });
    case "rename":
      return manager.rename("chat", "The whale");
  }
}

interface Before {
  readonly files: Files;
  readonly state: unknown;
  readonly title: unknown;
}

async function look(fs: FileSystem): Promise<Before> {
  return onDisk(fs, async (manager, storage) => {
    const loaded = await manager.load("chat", { allowEdited: true });
    return { files: await contents(storage), state: loaded?.state, title: loaded?.metadata.title };
  });
}

/** Whether every file that was there is in its place or among what is kept, byte for byte. */
async function lost(fs: FileSystem, files: Files): Promise<string[]> {
  return onDisk(fs, async (_manager, storage) => {
    const [here, kept] = [await contents(storage), Object.values(await contents(storage, ["trash", "quarantine"]))];
    return Object.entries(files).flatMap(([name, text]) => (here[name] === text || kept.includes(text) ? [] : [name]));
  });
}

async function undoAll(fs: FileSystem): Promise<void> {
  await onDisk(fs, async (manager) => {
    while ((await manager.operations()).length > 0) await manager.undo();
  });
}

/** Files that move or are copied come back as files; a restore and a rename come back as the state and the title they changed. */
async function differsFrom(before: Before, kind: Kind, fs: FileSystem): Promise<string | undefined> {
  const after = await look(fs);
  if (kind === "restore" || kind === "rename") {
    const same = JSON.stringify([after.state, after.title]) === JSON.stringify([before.state, before.title]);
    return same ? undefined : `another state: ${JSON.stringify(after.state).slice(0, 200)}`;
  }
  const wrong = Object.keys(before.files).filter((name) => after.files[name] !== before.files[name]);
  return wrong.length === 0 ? undefined : `not back as it was: ${wrong.join()}`;
}

async function problemAfter(fs: SimulatedFileSystem, kind: Kind, before: Before): Promise<string | undefined> {
  if (kind !== "restore" && kind !== "rename") {
    const gone = await lost(fs, before.files);
    if (gone.length > 0) return `gone from both places: ${gone.join()}`;
  }
  await undoAll(fs);
  return differsFrom(before, kind, fs);
}

/** What is offered to be done again is done, and can be undone like any other. */
async function problemOfRedo(fs: SimulatedFileSystem, kind: Kind, before: Before): Promise<string | undefined> {
  const offered = await onDisk(fs, async (manager) => {
    const undone = (await manager.undone())
      .filter(({ canRedo }) => canRedo)
      .map(({ conversationId }) => conversationId);
    const done = (await manager.operations()).map(({ conversationId }) => conversationId);
    const ids = kind === "rm" || kind === "prune" ? ["chat", "other"] : ["chat"];
    if ([...undone, ...done].sort().join() !== ids.join())
      return `done again: ${done.join()}; offered: ${undone.join()}`;
    for (const id of undone) await manager.redo(id);
    return undefined;
  });
  return offered ?? problemAfter(fs, kind, before);
}

interface Exploration {
  readonly states: number;
  readonly problems: readonly string[];
}

/** Disks on which a reader finds the same are looked at once. */
async function explore(
  disk: SimulatedFileSystem,
  kind: Kind,
  before: Before,
  problemOf: typeof problemAfter = problemAfter,
): Promise<Exploration> {
  const problems: string[] = [];
  const known = new Map<string, string | undefined>();
  let states = 0;
  for (let after = 0; after <= disk.operationCount && problems.length < 3; after += 1) {
    for (const { label, fingerprint, fileSystem } of disk.crashStates({ after })) {
      states += 1;
      if (!known.has(fingerprint)) known.set(fingerprint, await problemOf(fileSystem, kind, before).catch(messageOf));
      const problem = known.get(fingerprint);
      if (problem !== undefined) problems.push(`after ${after}: ${problem} [${label}]`);
    }
  }
  return { states, problems };
}

type Wrap = (fs: FileSystem) => FileSystem;

/** The disk on which it was done, with every operation of doing it. */
async function done(kind: Kind, wrap: Wrap = (fs) => fs): Promise<{ disk: SimulatedFileSystem; before: Before }> {
  const disk = await prepared(kind);
  const before = await look(disk.settled());
  await onDisk(wrap(disk), (manager) => operate(kind, manager));
  return { disk, before };
}

const withoutDirectorySync: Wrap = (fs) =>
  new Proxy(fs, {
    get: (target, name) =>
      name === "syncDirectory"
        ? () => Promise.resolve()
        : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
  });

describe("a power loss during", () => {
  test.each(KINDS)("%s: nothing is lost, and undo gives back what was there", { timeout: 120_000 }, async (kind) => {
    const { disk, before } = await done(kind);
    const { states, problems } = await explore(disk, kind, before);
    console.info(`${kind}: ${disk.operationCount} operations, ${states} crash states`);
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(50);
  });

  test.each(KINDS)(
    "the undo of %s: nothing is lost, undo can be run again, and once it is through nothing is left to undo",
    { timeout: 120_000 },
    async (kind) => {
      const { disk: doneDisk, before } = await done(kind);
      const disk = doneDisk.settled();
      await onDisk(disk, (manager) => manager.undo());
      const { states, problems } = await explore(disk, kind, before);
      console.info(`undo of ${kind}: ${disk.operationCount} operations, ${states} crash states`);
      expect(problems).toEqual([]);
      for (const { fileSystem } of disk.crashStates())
        expect(await onDisk(fileSystem, (manager) => manager.operations())).toEqual([]);
    },
  );

  test.each(["rm", "restore"] as const)(
    "the redo of %s: it is done again or still offered, never both, and undo gives back what was there",
    { timeout: 120_000 },
    async (kind) => {
      const { disk: doneDisk } = await done(kind);
      await onDisk(doneDisk, (manager) => manager.undo());
      const disk = doneDisk.settled();
      const before = await look(disk.settled());
      await onDisk(disk, (manager) => manager.redo());
      const { states, problems } = await explore(disk, kind, before, problemOfRedo);
      console.info(`redo of ${kind}: ${disk.operationCount} operations, ${states} crash states`);
      expect(problems).toEqual([]);
      expect(states).toBeGreaterThan(50);
    },
  );

  test.each(["rm", "repair"] as const)(
    "the undo of %s, and another one during the undo that follows",
    { timeout: 120_000 },
    async (kind) => {
      const { disk: doneDisk, before } = await done(kind);
      const first = doneDisk.settled();
      await onDisk(first, (manager) => manager.undo());
      const problems: string[] = [];
      let states = 0;
      for (let after = 5; after < first.operationCount; after += 17) {
        const [crashed] = first.crashStates({ after });
        if (crashed === undefined) continue;
        await undoAll(crashed.fileSystem);
        const again = await explore(crashed.fileSystem, kind, before);
        states += again.states;
        problems.push(...again.problems);
      }
      console.info(`undo of ${kind}, twice: ${states} crash states`);
      expect(problems).toEqual([]);
      expect(states).toBeGreaterThan(100);
    },
  );
});

describe("the exploration can see", () => {
  test.each(["rm", "repair"] as const)("%s without directory syncs", { timeout: 120_000 }, async (kind) => {
    const { disk, before } = await done(kind, withoutDirectorySync);
    expect((await explore(disk, kind, before)).problems).not.toEqual([]);
  });

  test("an undo without directory syncs", { timeout: 120_000 }, async () => {
    const { disk: doneDisk, before } = await done("rm");
    const disk = doneDisk.settled();
    await onDisk(withoutDirectorySync(disk), (manager) => manager.undo());
    expect((await explore(disk, "rm", before)).problems).not.toEqual([]);
  });
});
