/**
 * File storage keeps the storage contract over the real file system and over both doubles, and keeps it when calls
 * fail: a rejected call leaves the old or the new value, says STORAGE, and the next call works.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { nodeFileSystem } from "../../src/storage/fs/node-file-system.js";
import { createLocalStorage } from "../../src/storage/index.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import { RetryingFileSystem } from "../../src/storage/retrying-file-system.js";
import { AREAS, type Area, type Change, type Key, type Storage } from "../../src/storage/storage.js";
import { acquired, describeStorageContract, textAt } from "../contracts/storage-contract.js";
import type { StorageFixture } from "../contracts/storage-contract.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { intercepted } from "../doubles/interleaving.js";
import { lockRecord, plant } from "../doubles/lock-record.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import type { SystemErrorCode } from "../doubles/system-error.js";
import { STATE_DIR, lockPath, storageOver } from "../doubles/storage-over.js";

const KEY: Key = { area: "state", name: "chat.json" };
const SINCE = new Date(0);
const run = promisify(execFile);
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

async function replaceLock(fs: FileSystem, path: string, host: string): Promise<void> {
  await fs.unlink(path);
  await plant(fs, path, lockRecord({ ...new ProcessWorld().identity(2), host }, "someoneelse"));
}

async function realDirectory(): Promise<{
  readonly directory: string;
  readonly storage: Storage;
  dispose(): Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-storage-"));
  const storage = createLocalStorage({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    command: "test",
  });
  return { directory, storage, dispose: () => rm(directory, { recursive: true, force: true }) };
}

async function onRealFiles(): Promise<StorageFixture> {
  const { directory, storage, dispose } = await realDirectory();
  const stateDir = join(directory, "state");
  const loseLock = (name: string): Promise<void> =>
    replaceLock(nodeFileSystem, lockPath(name, stateDir), `not-${hostname()}`);
  const again = (): Storage => createLocalStorage({ stateDir, backupDir: join(directory, "backup"), command: "test" });
  const editInPlace = async (key: Key, bytes: Uint8Array): Promise<void> => {
    const path = storage.describe(key);
    await writeFile(join(directory, "times"), "");
    await run("touch", ["-r", path, join(directory, "times")]);
    await writeFile(path, bytes, { flag: "r+" });
    // To the nanosecond, which Node.js cannot.
    await run("touch", ["-r", join(directory, "times"), path]);
  };
  return {
    storage,
    loseLock,
    again,
    editInPlace,
    leases: true,
    leaveUnfinished: leaveUnfinished(nodeFileSystem, storage),
    dispose,
  };
}

/** A file aside, as a killed writer leaves it. */
function leaveUnfinished(fs: FileSystem, storage: Storage): (area: Area, lockName: string) => Promise<string> {
  let count = 0;
  return async (area, lockName) => {
    const path = storage.describe({ area, name: `.tmp-left${(count += 1)}-${lockName}` });
    await plant(fs, path, "half");
    return path;
  };
}

let stores = 0;

async function over(fs: FileSystem): Promise<StorageFixture> {
  const root = `/store${(stores += 1)}`;
  const storage = storageOver(fs, undefined, "n", { root });
  return {
    storage,
    loseLock: (name) => replaceLock(fs, lockPath(name, join(root, "state")), "host-1"),
    leases: true,
    leaveUnfinished: leaveUnfinished(fs, storage),
    dispose: () => Promise.resolve(),
  };
}

describeStorageContract("files in a temporary directory", onRealFiles);
describeStorageContract("the simulated file system", () => over(new SimulatedFileSystem()));
describeStorageContract("the faulty file system with no fault set", () =>
  over(new FaultyFileSystem(new SimulatedFileSystem())),
);
describeStorageContract("the retrying file system", () =>
  over(
    new RetryingFileSystem(new SimulatedFileSystem(), {
      attempts: 2,
      delay: 0,
      random: () => 0.5,
      onRetry: () => undefined,
    }),
  ),
);
describeStorageContract("a file system without hard links", () => over(withoutLinks(new SimulatedFileSystem())));
describeStorageContract("a faulty storage with no fault set", async () => {
  const fixture = await over(new SimulatedFileSystem());
  return { ...fixture, storage: new FaultyStorage(fixture.storage) };
});

/** As exFAT is, and some mounts. */
function withoutLinks(inner: FileSystem, code: SystemErrorCode = "EPERM"): FaultyFileSystem {
  const fs = new FaultyFileSystem(inner);
  fs.setFault({ code, at: 1, only: ["link"], lasting: "from-then-on" });
  return fs;
}

async function faultyStore(): Promise<{
  readonly fs: FaultyFileSystem;
  readonly disk: SimulatedFileSystem;
  readonly storage: Storage;
}> {
  const disk = new SimulatedFileSystem();
  const fs = new FaultyFileSystem(disk);
  const storage = storageOver(fs);
  await storage.prepare();
  await storage.replace(KEY, bytesOf("old"));
  return { fs, disk, storage };
}

test("a file is not closed under a part that is on its way, also where the next one cannot be made", async () => {
  const disk = new SimulatedFileSystem();
  const calls: string[] = [];
  const createFile = async (path: string): ReturnType<FileSystem["createFile"]> => {
    const file = await disk.createFile(path);
    const inner = { write: file.write.bind(file), close: file.close.bind(file) };
    file.write = async (bytes) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await inner.write(bytes);
      calls.push("written");
    };
    file.close = async () => {
      calls.push("closed");
      await inner.close();
    };
    return file;
  };
  const fs = new Proxy<FileSystem>(disk, {
    get: (target, name) =>
      name === "createFile" ? createFile : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
  });
  const storage = storageOver(fs);
  await storage.prepare();
  const parts = function* (): Generator<Uint8Array> {
    yield bytesOf("half");
    throw new Error("no more");
  };
  await expect(storage.replace(KEY, parts())).rejects.toThrow("no more");
  expect(calls).toEqual(["written", "closed"]);
});

const OPERATIONS: Record<string, (storage: Storage) => Promise<unknown>> = {
  replace: (storage) => storage.replace(KEY, bytesOf("new")),
  create: (storage) => storage.create({ area: "backup", name: "b" }, bytesOf("new")),
  move: (storage) => storage.move(KEY, { area: "trash", name: "t" }),
  remove: (storage) => storage.remove(KEY),
  read: (storage) => storage.read(KEY),
  createLog: async (storage) => {
    const log = await storage.createLog({ area: "state", name: "chat.journal" });
    try {
      await log.append(bytesOf("record"));
      await log.sync();
    } finally {
      await log.close();
    }
  },
};

describe("any call may fail", () => {
  const codes = ["ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS"] as const;

  test.each(Object.keys(OPERATIONS))(
    "%s with one failing call, whichever it is: STORAGE or done, and the value old, new or moved whole",
    async (name) => {
      const operation = OPERATIONS[name] ?? (() => Promise.reject(new Error("no such operation")));
      const measured = await faultyStore();
      const before = measured.fs.calls;
      await operation(measured.storage);
      const count = measured.fs.calls - before;
      expect(count).toBeGreaterThan(0);
      for (const code of codes) {
        for (let at = 1; at <= count; at += 1) {
          const { fs, storage } = await faultyStore();
          fs.setFault({ code, at, bytesWritten: 1 });
          const outcome = await operation(storage).then(
            () => "done",
            (error: unknown) => error,
          );
          fs.clearFault();
          if (outcome !== "done")
            expect(outcome).toMatchObject({ name: "DraftstateError", code: "STORAGE", cause: { code } });
          const texts = [await textAt(storage, KEY), await textAt(storage, { area: "trash", name: "t" })].filter(
            (text) => text !== undefined,
          );
          for (const text of texts) expect(["old", "new"]).toContain(text);
          if (name !== "remove") expect(texts.length).toBeGreaterThan(0);
          await storage.replace(KEY, bytesOf("afterwards"));
          expect(await textAt(storage, KEY)).toBe("afterwards");
        }
      }
    },
  );

  test.each(["createFile", "write", "sync", "close", "rename"] as const)(
    "a replacement whose %s fails leaves the old bytes and nothing aside",
    async (only) => {
      const { fs, disk, storage } = await faultyStore();
      fs.setFault({ code: "ENOSPC", at: 1, only: [only], bytesWritten: 2 });
      await expect(storage.replace(KEY, bytesOf("new"))).rejects.toMatchObject({ code: "STORAGE" });
      expect(await textAt(storage, KEY)).toBe("old");
      expect((await disk.list(STATE_DIR)).sort()).toEqual([".draftstate", "chat.json"]);
    },
  );

  test("a disk that fails from some call on rejects everything after it, and works again once it is mended", async () => {
    const { fs, storage } = await faultyStore();
    fs.setFault({ code: "EROFS", at: 1, lasting: "from-then-on" });
    await expect(storage.replace(KEY, bytesOf("new"))).rejects.toMatchObject({ code: "STORAGE" });
    await expect(storage.read(KEY)).rejects.toMatchObject({ code: "STORAGE" });
    fs.clearFault();
    expect(await textAt(storage, KEY)).toBe("old");
  });

  test("a short write shows in the log as what was written, and rejects", async () => {
    const { fs, storage } = await faultyStore();
    const key: Key = { area: "state", name: "chat.journal" };
    const log = await storage.createLog(key);
    fs.setFault({ code: "ENOSPC", at: 1, only: ["write"], bytesWritten: 3 });
    await expect(log.append(bytesOf("record"))).rejects.toMatchObject({ code: "STORAGE" });
    expect(await textAt(storage, key)).toBe("rec");
    await log.close();
  });

  test("a lock attempt with one failing call, whichever it is, never leaves a lock that nobody was given", async () => {
    const measured = await faultyStore();
    const before = measured.fs.calls;
    await measured.storage.tryLock("chat", SINCE);
    const count = measured.fs.calls - before;
    for (let at = 1; at <= count; at += 1) {
      const { fs, storage } = await faultyStore();
      fs.setFault({ code: "EIO", at });
      const attempt = await storage.tryLock("chat", SINCE).catch(() => undefined);
      fs.clearFault();
      if (attempt === undefined) acquired(await storage.tryLock("chat", SINCE));
      else await acquired(attempt).assertHeld();
    }
  });

  test("a takeover with one failing call, whichever it is, gives the lock or leaves it to be had", async () => {
    const world = new ProcessWorld();
    world.kill(9);
    const afterADeath = async (): Promise<{ readonly fs: FaultyFileSystem; readonly heir: Storage }> => {
      const { fs, disk } = await faultyStore();
      await plant(disk, lockPath("chat"), lockRecord(world.identity(9), "gone"));
      return { fs, heir: storageOver(fs, world.table(1), "heir") };
    };
    const measured = await afterADeath();
    const before = measured.fs.calls;
    await measured.heir.tryLock("chat", SINCE);
    const count = measured.fs.calls - before;
    expect(count).toBeGreaterThan(10);
    for (let at = 1; at <= count; at += 1) {
      const { fs, heir } = await afterADeath();
      fs.setFault({ code: "EIO", at });
      const attempt = await heir.tryLock("chat", SINCE).catch(() => undefined);
      fs.clearFault();
      if (attempt === undefined) acquired(await heir.tryLock("chat", SINCE));
      else await acquired(attempt).assertHeld();
    }
  });
});

describe("moving", () => {
  test("across file systems the bytes are copied, then the source goes", async () => {
    const { fs, storage } = await faultyStore();
    fs.setFault({ code: "EXDEV", at: 1, only: ["link"] });
    expect(await storage.move(KEY, { area: "backup", name: "b" })).toBe(true);
    expect(await textAt(storage, { area: "backup", name: "b" })).toBe("old");
    expect(await storage.read(KEY)).toBeUndefined();
  });

  test("a file that may not go from where it is stays there alone", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    await storage.replace(KEY, bytesOf("x"));
    fs.setFault({ code: "EACCES", at: 1, only: ["unlink"] });
    await expect(storage.move(KEY, { area: "trash", name: "chat.json" })).rejects.toMatchObject({ code: "STORAGE" });
    expect([await textAt(storage, KEY), await storage.list("trash")]).toEqual(["x", []]);
  });

  test("into an area whose folder was deleted is an error, not `there is nothing to move`", async () => {
    const { directory, storage, dispose } = await realDirectory();
    await storage.prepare();
    await storage.replace(KEY, bytesOf("precious"));
    await rm(join(directory, "state", ".draftstate", "trash"), { recursive: true });
    await expect(storage.move(KEY, { area: "trash", name: "t" })).rejects.toMatchObject({ code: "STORAGE" });
    expect(await textAt(storage, KEY)).toBe("precious");
    await dispose();
  });
});

describe("sweeping", () => {
  test("claims of dead processes go at any depth; the dead lock of a conversation that is called like a claim stays", async () => {
    const disk = new SimulatedFileSystem();
    const world = new ProcessWorld();
    world.kill(9);
    const storage = storageOver(disk, world.table(1));
    await storage.prepare();
    const claims = [`${lockPath("chat")}.gone`, `${lockPath("chat")}.gone.gone2`];
    for (const path of [...claims, lockPath("chat.lock")])
      await plant(disk, path, lockRecord(world.identity(9), "dead"));
    acquired(await storage.tryLock("chat", SINCE));
    await storage.sweep("chat");
    for (const path of claims) expect(await disk.stat(path)).toBeUndefined();
    expect(await disk.stat(lockPath("chat.lock"))).toBeDefined();
  });

  test("what dead contenders left of their attempts goes with the next one that has the lock", async () => {
    const disk = new SimulatedFileSystem();
    const world = new ProcessWorld();
    world.kill(9);
    const storage = storageOver(disk, world.table(1));
    await storage.prepare();
    await plant(disk, `${STATE_DIR}/.draftstate/locks/.tmp-dead-chat`, lockRecord(world.identity(9), "dead"));
    acquired(await storage.tryLock("chat", SINCE));
    expect(await disk.list(`${STATE_DIR}/.draftstate/locks`)).toEqual(["chat.lock"]);
  });

  test("records of dead contenders for a lock of another name stay", async () => {
    const disk = new SimulatedFileSystem();
    const world = new ProcessWorld();
    world.kill(9);
    const storage = storageOver(disk, world.table(1));
    await storage.prepare();
    const records = ["chat", "chat.1", "chat-2"].map((name) => `${STATE_DIR}/.draftstate/locks/.tmp-dead-${name}`);
    for (const path of records) await plant(disk, path, lockRecord(world.identity(9), "dead"));
    expect(await storage.sweep("chat")).toEqual(records.slice(0, 1));
  });

  test("what is written aside carries the lock's name, and without a lock the key's own or the writer's", async () => {
    const disk = new SimulatedFileSystem();
    const aside: string[] = [];
    const storage = storageOver(
      intercepted(disk, async (call, paths, act) => {
        if (call === "createFile" && paths[0]?.includes("/locks/") === false)
          aside.push(paths[0].replace(/^.*\/\.tmp-[a-z0-9]+-/, ""));
        return act();
      }),
    );
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat.1", SINCE));
    for (const guard of [lock, undefined]) {
      await storage.replace(KEY, bytesOf("x"), guard);
      await storage.create({ area: "backup", name: `b${aside.length}` }, bytesOf("x"), guard);
      await (await storage.createLog({ area: "state", name: "chat.journal" }, undefined, guard)).close();
    }
    await storage.replaceAs("writer", KEY, bytesOf("x"));
    expect(aside).toEqual(["chat.1", "chat.1", "chat.1", "chat.json", "b4", "chat.journal", "writer"]);
  });

  test("an unprepared store has nothing to sweep, or says STORAGE", async () => {
    const swept = await storageOver(new SimulatedFileSystem())
      .sweep("chat")
      .catch((error: unknown) => error);
    expect(swept instanceof Error ? swept : { code: "STORAGE" }).toMatchObject({ code: "STORAGE" });
  });
});

describe("real files", () => {
  test("directories are 0700 and files 0600", async () => {
    const { directory, storage, dispose } = await realDirectory();
    await storage.prepare();
    await storage.replace(KEY, bytesOf("x"));
    await (await storage.createLog({ area: "state", name: "chat.journal" })).close();
    const modeOf = async (path: string): Promise<number> => (await stat(join(directory, path))).mode & 0o777;
    for (const path of ["state", "backup", "state/.draftstate/locks", "state/.draftstate/trash"])
      expect(await modeOf(path)).toBe(0o700);
    for (const path of ["state/chat.json", "state/chat.journal"]) expect(await modeOf(path)).toBe(0o600);
    await dispose();
  });

  test("a symbolic link is refused for reading and replaced, not followed, for writing", async () => {
    const { directory, storage, dispose } = await realDirectory();
    await storage.prepare();
    await writeFile(join(directory, "outside"), "outside");
    await symlink(join(directory, "outside"), storage.describe(KEY));
    await expect(storage.read(KEY)).rejects.toMatchObject({ code: "CORRUPT" });
    await storage.replace(KEY, bytesOf("inside"));
    expect(await textAt(storage, KEY)).toBe("inside");
    expect((await nodeFileSystem.stat(join(directory, "outside")))?.size).toBe("outside".length);
    await dispose();
  });

  test.each(["", "locks", "trash", "quarantine", "metrics", "history"])(
    "a link in the place of .draftstate/%s is refused, and nothing is written through it",
    async (name) => {
      const { directory, storage, dispose } = await realDirectory();
      await storage.prepare();
      const [inside, outside] = [join(directory, "state/.draftstate", name), join(directory, "outside")];
      await rename(inside, outside);
      await symlink(outside, inside);
      const entries = await readdir(outside);
      const key: Key = { area: AREAS.find((area) => area === name) ?? "trash", name: "a" };
      const throughLink: (() => Promise<unknown>)[] =
        name === "locks"
          ? [() => storage.tryLock("a", SINCE)]
          : [
              () => storage.replace(key, bytesOf("x")),
              () => storage.create(key, bytesOf("x")),
              () => storage.move(KEY, key),
              () => storage.remove(key),
            ];
      for (const act of [() => storage.prepare(), () => storage.probe("state"), ...throughLink])
        await expect(act()).rejects.toMatchObject({
          code: "STORAGE",
          message: expect.stringContaining("symbolic link") as string,
        });
      expect(await readdir(outside)).toEqual(entries);
      await dispose();
    },
  );

  test("a directory in a file's place is refused as CORRUPT", async () => {
    const { storage, dispose } = await realDirectory();
    await storage.prepare();
    await mkdir(storage.describe(KEY));
    await expect(storage.read(KEY)).rejects.toMatchObject({ code: "CORRUPT" });
    await dispose();
  });

  test("nothing is left in the directories but what was asked for", async () => {
    const { directory, storage, dispose } = await realDirectory();
    await storage.prepare();
    await storage.replace(KEY, bytesOf("x"));
    await storage.create({ area: "backup", name: "b" }, bytesOf("x"));
    await acquired(await storage.tryLock("chat", SINCE)).release();
    expect((await readdir(join(directory, "state"))).sort()).toEqual([".draftstate", ".gitignore", "chat.json"]);
    expect((await readdir(join(directory, "backup"))).sort()).toEqual([".draftstate-owner", ".gitignore", "b"]);
    expect(await readdir(join(directory, "state", ".draftstate", "locks"))).toEqual([]);
    await dispose();
  });

  test("a watcher is told of a replacement by its key, and not of the file aside", async () => {
    const { storage, dispose } = await realDirectory();
    await storage.prepare();
    const changes: Change[] = [];
    const watcher = await storage.watch("state", (change) => void changes.push(change));
    await storage.replace(KEY, bytesOf("x"));
    await vi.waitFor(
      () => {
        expect(changes.length).toBeGreaterThan(0);
      },
      { timeout: 5000 },
    );
    await watcher.close();
    for (const change of changes) expect(change).toEqual({ key: KEY });
    await dispose();
  });
});
