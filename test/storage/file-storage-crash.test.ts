/**
 * Power loss at every operation of every workload, in every state the disk may be left in: what resolved is there and
 * whole, what did not is old or new, nothing is torn. The last tests take each kind of sync away and must see it.
 */
import { describe, expect, test } from "vitest";
import type { FileSystem, OpenFile } from "../../src/storage/file-system.js";
import type { Key, Storage } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const SNAPSHOT: Key = { area: "state", name: "chat.json" };
const JOURNAL: Key = { area: "state", name: "chat.journal" };
const BACKUP: Key = { area: "backup", name: "chat_1.json" };
const TRASHED: Key = { area: "trash", name: "chat.json" };
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const VERSIONS = ["version zero", "version one, a little longer", "version two"] as const;

interface Workload {
  /** What is durable before it begins. */
  readonly before: readonly [Key, string][];
  /** Calls `done` when something resolved: from then on the promise holds. */
  act(storage: Storage, done: () => void): Promise<void>;
  /** What is wrong after a crash when `done` was called so many times; undefined when nothing is. */
  check(storage: Storage, doneCount: number): Promise<string | undefined>;
}

const WORKLOADS: Record<string, Workload> = {
  replace: {
    before: [[SNAPSHOT, VERSIONS[0]]],
    async act(storage, done) {
      for (const version of VERSIONS.slice(1)) {
        await storage.replace(SNAPSHOT, bytesOf(version));
        done();
      }
    },
    async check(storage, doneCount) {
      const found = await textAt(storage, SNAPSHOT);
      const allowed: readonly string[] = VERSIONS.slice(doneCount);
      return found !== undefined && allowed.includes(found) ? undefined : `snapshot is ${JSON.stringify(found)}`;
    },
  },
  create: {
    before: [],
    async act(storage, done) {
      await storage.create(BACKUP, bytesOf(VERSIONS[0]));
      done();
      await storage.create(BACKUP, bytesOf(VERSIONS[1]));
      done();
    },
    async check(storage, doneCount) {
      const found = await textAt(storage, BACKUP);
      if (found === VERSIONS[0] || (found === undefined && doneCount === 0)) return undefined;
      return `backup is ${JSON.stringify(found)}`;
    },
  },
  "createLog, append and sync": {
    before: [[JOURNAL, "the old journal"]],
    async act(storage, done) {
      const log = await storage.createLog(JOURNAL);
      done();
      for (const record of ["first record\n", "second record\n"]) {
        await log.append(bytesOf(record.slice(0, 4)));
        await log.append(bytesOf(record.slice(4)));
        await log.sync();
        done();
      }
      await log.close();
    },
    async check(storage, doneCount) {
      const found = await textAt(storage, JOURNAL);
      if (doneCount === 0)
        return [undefined, "", "the old journal"].includes(found) ? undefined : `journal is ${JSON.stringify(found)}`;
      const durable = ["", "first record\n", "first record\nsecond record\n"][doneCount - 1] ?? "";
      return found !== undefined && found.startsWith(durable) && found !== "the old journal"
        ? undefined
        : `journal is ${JSON.stringify(found)}`;
    },
  },
  move: {
    before: [[SNAPSHOT, VERSIONS[0]]],
    async act(storage, done) {
      await storage.move(SNAPSHOT, TRASHED);
      done();
    },
    check: checkMove,
  },
};

async function checkMove(storage: Storage, doneCount: number): Promise<string | undefined> {
  const [source, target] = [await textAt(storage, SNAPSHOT), await textAt(storage, TRASHED)];
  const whole = [source, target].every((text) => text === undefined || text === VERSIONS[0]);
  const somewhere = source !== undefined || target !== undefined;
  const moved = doneCount === 0 || (source === undefined && target !== undefined);
  return whole && somewhere && moved
    ? undefined
    : `source is ${JSON.stringify(source)}, target is ${JSON.stringify(target)}`;
}

interface Exploration {
  readonly states: number;
  readonly problems: readonly string[];
}

type Wrap = (fs: FileSystem) => FileSystem;

async function explore(workload: Workload, wrap: Wrap = (fs) => fs): Promise<Exploration> {
  const disk = await diskWith(workload.before);
  const doneAt: number[] = [];
  await workload.act(storageOver(wrap(disk), undefined, "w"), () => void doneAt.push(disk.operationCount));
  const problems: string[] = [];
  let states = 0;
  for (let after = 0; after <= disk.operationCount; after += 1) {
    const doneCount = doneAt.filter((at) => at <= after).length;
    for (const { label, fileSystem } of disk.crashStates({ after })) {
      states += 1;
      const storage = storageOver(fileSystem);
      const problem = (await workload.check(storage, doneCount)) ?? (await strayName(storage));
      if (problem !== undefined) problems.push(`after ${after} operations, ${doneCount} done: ${problem} [${label}]`);
    }
  }
  return { states, problems };
}

async function diskWith(before: readonly [Key, string][]): Promise<SimulatedFileSystem> {
  const disk = new SimulatedFileSystem();
  const storage = storageOver(disk, undefined, "b");
  await storage.prepare();
  for (const [key, text] of before) await storage.replace(key, bytesOf(text));
  return disk.settled();
}

async function strayName(storage: Storage): Promise<string | undefined> {
  const expected = [SNAPSHOT, JOURNAL, BACKUP].map(({ name }) => name);
  const names = [...(await storage.list("state")), ...(await storage.list("backup")), ...(await storage.list("trash"))];
  const stray = names.find((name) => !expected.includes(name));
  return stray === undefined ? undefined : `an unfinished write shows: ${stray}`;
}

function workloadCalled(name: string): Workload {
  const workload = WORKLOADS[name];
  if (workload === undefined) throw new Error(`no workload is called ${name}`);
  return workload;
}

function overridden(fs: FileSystem, changes: Partial<FileSystem>): FileSystem {
  return {
    makeDirectory: (path) => fs.makeDirectory(path),
    hasDirectory: (path) => fs.hasDirectory(path),
    isWritable: (path) => fs.isWritable(path),
    openForReading: (path) => fs.openForReading(path),
    createFile: (path) => fs.createFile(path),
    rename: (from, to) => fs.rename(from, to),
    link: (from, to) => fs.link(from, to),
    unlink: (path) => fs.unlink(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    list: (path) => fs.list(path),
    stat: (path) => fs.stat(path),
    space: (path) => fs.space(path),
    ...changes,
  };
}

const withoutDirectorySync: Wrap = (fs) => overridden(fs, { syncDirectory: () => Promise.resolve() });

const withoutFileSync: Wrap = (fs) =>
  overridden(fs, {
    createFile: async (path) => {
      const file = await fs.createFile(path);
      const deaf: OpenFile = {
        write: (bytes) => file.write(bytes),
        read: (position, length) => file.read(position, length),
        info: () => file.info(),
        sync: () => Promise.resolve(),
        close: () => file.close(),
      };
      return deaf;
    },
  });

describe("a crash at any operation keeps what resolved and tears nothing", () => {
  test.each(Object.keys(WORKLOADS))("%s", async (name) => {
    const { states, problems } = await explore(workloadCalled(name));
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(5);
  });

  test("move across file systems, where the bytes are copied", async () => {
    const acrossDevices: Wrap = (fs) => {
      const faulty = new FaultyFileSystem(fs);
      faulty.setFault({ code: "EXDEV", at: 1, only: ["link"] });
      return faulty;
    };
    const { states, problems } = await explore(workloadCalled("move"), acrossDevices);
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(5);
  });

  test("a lock comes back whole or not at all, and is never in the way after the reboot", async () => {
    const disk = await diskWith([]);
    acquired(await storageOver(disk, new ProcessWorld("boot-1").table(1), "a").tryLock("chat", new Date(0)));
    for (let after = 0; after <= disk.operationCount; after += 1) {
      for (const { label, fileSystem } of disk.crashStates({ after })) {
        const rebooted = storageOver(fileSystem, new ProcessWorld("boot-2").table(1), "r");
        expect(await rebooted.tryLock("chat", new Date(0)), label).toMatchObject({ acquired: true });
      }
    }
  });
});

test("a lock that was given is there after a power loss, and nothing of its making is", async () => {
  const disk = await diskWith([]);
  acquired(await storageOver(disk, new ProcessWorld().table(1), "a").tryLock("chat", new Date(0)));
  for (const { label, fileSystem } of disk.crashStates()) {
    expect(await storageOver(fileSystem, new ProcessWorld().table(2), "r").lockHolder("chat"), label).toBeDefined();
    expect(await fileSystem.list("/store/state/.draftstate/locks"), label).toEqual(["chat.lock"]);
  }
});

test("what was swept does not come back with a power loss", async () => {
  const disk = await diskWith([]);
  const left = await disk.createFile("/store/backup/.tmp-left-chat");
  await left.close();
  const settled = disk.settled();
  await storageOver(settled, undefined, "s").sweep("chat");
  for (const { label, fileSystem } of settled.crashStates())
    expect(await fileSystem.list("/store/backup"), label).toEqual([]);
});

test("what a dead writer removed itself, and did not settle, does not come back after a sweep", async () => {
  const disk = await diskWith([]);
  await (await disk.createFile("/store/backup/.tmp-removed-chat")).close();
  const found = disk.settled();
  await found.unlink("/store/backup/.tmp-removed-chat");
  expect(await storageOver(found, undefined, "s").sweep("chat")).toEqual([]);
  for (const { label, fileSystem } of found.crashStates())
    expect(await fileSystem.list("/store/backup"), label).toEqual([]);
});

test("a value that was created leaves nothing aside after a power loss", async () => {
  const disk = await diskWith([]);
  await storageOver(disk, undefined, "w").create(BACKUP, bytesOf("x"));
  for (const { label, fileSystem } of disk.crashStates())
    expect(await fileSystem.list("/store/backup"), label).toEqual([BACKUP.name]);
});

describe("the exploration can see", () => {
  test.each(["replace", "create", "createLog, append and sync"])("%s without file syncs is caught", async (name) => {
    expect((await explore(workloadCalled(name), withoutFileSync)).problems).not.toEqual([]);
  });

  test.each(Object.keys(WORKLOADS))("%s without directory syncs is caught", async (name) => {
    expect((await explore(workloadCalled(name), withoutDirectorySync)).problems).not.toEqual([]);
  });

  test("a rename leaves the old entry or the new one, never neither", async () => {
    const disk = await diskWith([[SNAPSHOT, "old"]]);
    await storageOver(disk, undefined, "w").replace(SNAPSHOT, bytesOf("new"));
    const found = new Set<string | undefined>();
    for (let after = 0; after <= disk.operationCount; after += 1) {
      for (const { fileSystem } of disk.crashStates({ after }))
        found.add(await textAt(storageOver(fileSystem), SNAPSHOT));
    }
    expect([...found].sort()).toEqual(["new", "old"]);
  });

  test("bytes that were not synced come back lost, whole, cut, zero-filled and torn", async () => {
    const disk = new SimulatedFileSystem();
    const file = await disk.createFile("/log");
    await disk.syncDirectory("/");
    await file.write(bytesOf("abcd"));
    const found: string[] = [];
    for (const { fileSystem } of disk.crashStates()) {
      found.push(Buffer.from(await (await fileSystem.openForReading("/log")).read(0, 10)).toString());
    }
    expect(found.sort()).toEqual(["", "\0\0\0\0", "\0\0cd", "a", "ab", "ab\0\0", "abc", "abcd"]);
  });

  test("a synced file whose directory was not synced may be gone", async () => {
    const disk = new SimulatedFileSystem();
    const file = await disk.createFile("/file");
    await file.write(bytesOf("x"));
    await file.sync();
    const lists: string[][] = [];
    for (const { fileSystem } of disk.crashStates()) lists.push(await fileSystem.list("/"));
    expect(lists).toContainEqual([]);
    expect(lists).toContainEqual(["file"]);
  });
});
