/** When a guard is looked at, and what a look costs; contents of any size pass through without being held. */
import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OpenFile } from "../../src/storage/file-system.js";
import { createLocalStorage } from "../../src/storage/index.js";
import type { Key, Storage } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { intercepted } from "../doubles/interleaving.js";
import { lockRecord, plant } from "../doubles/lock-record.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { lockPath, storageOver } from "../doubles/storage-over.js";

const KEY: Key = { area: "state", name: "chat.json" };
const LOG: Key = { area: "state", name: "chat.journal" };
const SINCE = new Date(0);
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

describe("a look at a held lock", () => {
  test("is one stat, and reads no file", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    const before = fs.calls;
    for (let look = 0; look < 10; look += 1) await lock.assertHeld();
    expect([fs.calls - before, fs.callsOf("stat") > 9]).toEqual([10, true]);
  });

  test("costs two stats more for an append, and two for a sync: of the lock and of the name", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    const log = await storage.createLog(LOG, bytesOf(""), acquired(await storage.tryLock("chat", SINCE)));
    await log.append(bytesOf("x"));
    const before = { all: fs.calls, stats: fs.callsOf("stat") };
    await log.append(bytesOf("x"));
    await log.sync();
    expect([fs.calls - before.all, fs.callsOf("stat") - before.stats]).toEqual([6, 4]);
  });

  test("reads the file where its identity changed, as on file systems that number files anew", async () => {
    const disk = new SimulatedFileSystem();
    const storage = storageOver(disk);
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    const file = await disk.openForReading(lockPath("chat"));
    const text = Buffer.from(await file.read(0, 10_000)).toString();
    await disk.unlink(lockPath("chat"));
    await plant(disk, lockPath("chat"), text);
    await lock.assertHeld();
    await disk.unlink(lockPath("chat"));
    await plant(disk, lockPath("chat"), lockRecord(new ProcessWorld().identity(2), "another"));
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
  });

  test("notices another's record in the very same file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-inode-"));
    const storage = createLocalStorage({
      stateDir: join(directory, "state"),
      backupDir: join(directory, "backup"),
      command: "test",
    });
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    const path = lockPath("chat", join(directory, "state"));
    const text = await readFile(path, "utf8");
    const { nonce } = JSON.parse(text) as { readonly nonce: string };
    const { ino } = await stat(path);
    await writeFile(path, text.replace(nonce, "0".repeat(nonce.length)), { flag: "r+" });
    expect((await stat(path)).ino).toBe(ino);
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
    await rm(directory, { recursive: true });
  });
});

test("notices another's lock of the same size and time", async () => {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-times-"));
  const storage = createLocalStorage({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    command: "test",
  });
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", SINCE));
  const path = lockPath("chat", join(directory, "state"));
  const text = await readFile(path, "utf8");
  const { nonce } = JSON.parse(text) as { readonly nonce: string };
  await writeFile(`${path}.new`, text.replace(nonce, "0".repeat(nonce.length)));
  await promisify(execFile)("touch", ["-r", path, `${path}.new`]);
  await rename(`${path}.new`, path);
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
  await rm(directory, { recursive: true });
});

describe("a guard is looked at", () => {
  test("by an append after its write: lost in between it is not acknowledged, and the next holder reads it", async () => {
    const disk = new SimulatedFileSystem();
    let armed = false;
    const storage = storageOver(
      intercepted(disk, async (call, paths, act) => {
        const result = await act();
        if (call !== "createFile" || paths[0]?.includes("/locks") === true) return result;
        const file = result as OpenFile;
        const write = async (bytes: Uint8Array): Promise<void> => {
          await file.write(bytes);
          if (armed) await disk.unlink(lockPath("chat"));
        };
        return {
          write,
          read: file.read,
          info: file.info,
          sync: file.sync,
          close: file.close,
        } satisfies OpenFile as typeof result;
      }),
    );
    await storage.prepare();
    const log = await storage.createLog(LOG, bytesOf("first,"), acquired(await storage.tryLock("chat", SINCE)));
    armed = true;
    await expect(log.append(bytesOf("second"))).rejects.toMatchObject({ code: "LOCKED" });
    expect(await textAt(storage, LOG)).toBe("first,second");
  });

  test.each(["replace", "create", "move", "remove", "createLog"])(
    "by %s right before the change, after everything else",
    async (name) => {
      const disk = new SimulatedFileSystem();
      const calls: string[] = [];
      const storage = storageOver(
        intercepted(disk, async (call, paths, act) => {
          calls.push(`${call} ${paths.includes(lockPath("chat")) ? "lock" : "value"}`);
          return act();
        }),
      );
      await storage.prepare();
      await storage.replace(KEY, bytesOf("x"));
      const lock = acquired(await storage.tryLock("chat", SINCE));
      calls.length = 0;
      if (name === "replace") await storage.replace(KEY, bytesOf("y"), lock);
      if (name === "create") await storage.create({ area: "backup", name: "b" }, bytesOf("y"), lock);
      if (name === "move") await storage.move(KEY, { area: "trash", name: "t" }, lock);
      if (name === "remove") await storage.remove(KEY, lock);
      if (name === "createLog") await storage.createLog(LOG, bytesOf("y"), lock);
      const change = calls.findIndex((call) => ["rename value", "link value", "unlink value"].includes(call));
      expect(calls[change - 1]).toBe("stat lock");
    },
  );
});

describe("many and much", () => {
  test("the ends of 2,000 values are read with 32 files open at most", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    const keys = Array.from({ length: 2000 }, (_, index): Key => ({ area: "backup", name: `b${index}` }));
    for (const key of keys.slice(0, 200)) await storage.replace(key, bytesOf("x"));
    const before = fs.mostOpen;
    const ends = await storage.readEnds(keys, 1);
    expect(ends.filter((end) => end !== undefined)).toHaveLength(200);
    expect([before, fs.mostOpen <= 32, fs.openFiles]).toEqual([1, true, 0]);
  });

  describe("50 MB", () => {
    const [PART, PARTS] = [256 * 1024, 200];
    let directory: string;
    let storage: Storage;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "draftstate-stream-"));
      storage = createLocalStorage({
        stateDir: join(directory, "state"),
        backupDir: join(directory, "backup"),
        command: "test",
      });
      await storage.prepare();
    });
    afterEach(() => rm(directory, { recursive: true, force: true }));

    test("are streamed: a part is on disk before the next but one is asked for, and memory stays flat", async () => {
      // Three buffers, used over and over: what is kept beyond its turn is overwritten.
      const buffers = [0, 1, 2].map(() => Buffer.alloc(PART));
      const backup = join(directory, "backup");
      const onDisk = (): number =>
        readdirSync(backup).reduce((sum, name) => sum + statSync(join(backup, name)).size, 0);
      let [behind, most] = [0, 0];
      const start = process.memoryUsage().arrayBuffers;
      async function* parts(): AsyncGenerator<Uint8Array> {
        for (let part = 0; part < PARTS; part += 1) {
          behind = Math.max(behind, part * PART - onDisk());
          most = Math.max(most, process.memoryUsage().arrayBuffers - start);
          const buffer = buffers[part % 3] ?? Buffer.alloc(0);
          yield buffer.fill(part % 251);
        }
      }
      const key: Key = { area: "backup", name: "large" };
      await storage.create(key, parts());
      expect(behind).toBeLessThanOrEqual(PART);
      expect(most).toBeLessThan(8 * 1024 * 1024);
      const bytes = await readFile(storage.describe(key));
      expect(bytes.length).toBe(PART * PARTS);
      expect(Array.from({ length: PARTS }, (_, part) => bytes[part * PART])).toEqual(
        Array.from({ length: PARTS }, (_, part) => part % 251),
      );
    });
  });

  test("a move across file systems copies part by part", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    const bytes = Buffer.alloc(700_000, "abc");
    await storage.replace(KEY, bytes);
    const lock = acquired(await storage.tryLock("chat", SINCE));
    fs.setFault({ code: "EXDEV", at: 1, only: ["link"] });
    const before = fs.callsOf("read");
    await storage.move(KEY, { area: "backup", name: "b" }, lock);
    const parts = fs.callsOf("read") - before;
    expect(Buffer.compare(Buffer.from((await storage.read({ area: "backup", name: "b" })) ?? []), bytes)).toBe(0);
    expect(parts).toBe(3);
  });
});
