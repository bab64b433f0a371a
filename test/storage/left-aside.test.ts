/** A write that is cut because its directory goes away leaves nothing aside once the directory is back; a living writer's file stays. */
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { Lock, Storage } from "../../src/storage/storage.js";
import { acquired } from "../contracts/storage-contract.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { intercepted } from "../doubles/interleaving.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR, storageOver } from "../doubles/storage-over.js";

const KEY = { area: "state", name: "chat.json" } as const;
const OTHER = { area: "state", name: "other.json" } as const;
const SINCE = new Date(0);
const BYTES = Buffer.from("bytes");

function aside(disk: SimulatedFileSystem, directory = STATE_DIR): string[] {
  return [...disk.image.entries.keys()].filter((path) => path.startsWith(`${directory}/.tmp-`));
}

const WRITES: readonly (readonly [string, (storage: Storage, guard: Lock) => Promise<unknown>])[] = [
  ["replace", (storage, guard) => storage.replace(KEY, BYTES, guard)],
  ["replaceAs", (storage) => storage.replaceAs("chat", KEY, BYTES)],
  ["create", (storage, guard) => storage.create(KEY, BYTES, guard)],
  ["createLog", async (storage, guard) => (await storage.createLog(KEY, BYTES, guard)).close()],
];

const NEXT: readonly (readonly [string, (storage: Storage, guard: Lock) => Promise<unknown>])[] = [
  ["the next write", (storage) => storage.replace(OTHER, BYTES)],
  ["the next lock", (storage) => storage.tryLock("other", SINCE)],
  ["the release of the lock", (_storage, guard) => guard.release()],
];

describe.each(WRITES)("a %s that is cut at any call", (_name, write) => {
  test.each(NEXT)("leaves nothing aside after %s", async (_what, next) => {
    let [cut, left] = [false, 0];
    for (let at = 1; at === 1 || cut; at += 1) {
      const disk = new SimulatedFileSystem();
      const fs = new FaultyFileSystem(disk);
      const storage = storageOver(fs);
      await storage.prepare();
      const lock = acquired(await storage.tryLock("chat", SINCE));
      fs.setFault({ code: "ENOENT", at, lasting: "from-then-on" });
      cut = await write(storage, lock).then(
        () => false,
        () => true,
      );
      fs.clearFault();
      left += aside(disk).length;
      await next(storage, lock);
      expect(aside(disk), `cut at call ${at}`).toEqual([]);
    }
    expect(left).toBeGreaterThan(0);
  });
});

function gone(): Error {
  return Object.assign(new Error("gone"), { code: "ENOENT" });
}

test.each(WRITES)(
  "a %s whose directory is away from any call to any later one leaves nothing aside",
  async (_name, write) => {
    let cut = false;
    for (let from = 1; from === 1 || cut; from += 1) {
      for (let to = from + 1; to < from + 8; to += 1) {
        const disk = new SimulatedFileSystem();
        let calls = -Infinity;
        const fs = intercepted(disk, (_call, _paths, act) => {
          calls += 1;
          return calls >= from && calls < to ? Promise.reject(gone()) : act();
        });
        const storage = storageOver(fs);
        await storage.prepare();
        const lock = acquired(await storage.tryLock("chat", SINCE));
        calls = 0;
        await write(storage, lock).catch(() => undefined);
        cut = calls >= from;
        calls = -Infinity;
        await lock.release();
        expect(aside(disk), `away from call ${from} to ${to}`).toEqual([]);
      }
    }
  },
);

test("what a writer left in a backup directory that was still away when its lock was released goes with the next lock", async () => {
  const disk = new SimulatedFileSystem();
  let isAway = false;
  const fs = intercepted(disk, (call, paths, act) => {
    if (call === "link" && paths.some((path) => path.startsWith(BACKUP_DIR))) isAway = true;
    return isAway && paths.some((path) => path.startsWith(BACKUP_DIR)) ? Promise.reject(gone()) : act();
  });
  const world = new ProcessWorld();
  const storage = storageOver(fs, world.table(1));
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", SINCE));
  await storage.create({ area: "backup", name: "chat.json" }, BYTES, lock).catch(() => undefined);
  await lock.release();
  isAway = false;
  expect(aside(disk, BACKUP_DIR)).toHaveLength(1);
  const other = storageOver(disk, world.table(2), "o");
  await acquired(await other.tryLock("chat", SINCE)).release();
  expect(aside(disk, BACKUP_DIR)).toEqual([]);
});

test("what a living writer of another process has aside stays", async () => {
  const disk = new SimulatedFileSystem();
  let goOn = (): void => undefined;
  const waits = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slow: FileSystem = intercepted(disk, async (call, [path = ""], act) => {
    if (call === "rename" && path.includes("/.tmp-")) await waits;
    return act();
  });
  const world = new ProcessWorld();
  const other = storageOver(slow, world.table(2), "o");
  await other.prepare();
  const writing = other.replace(KEY, BYTES, acquired(await other.tryLock("chat", SINCE)));
  while (aside(disk).length === 0) await Promise.resolve();
  const fs = new FaultyFileSystem(disk);
  const storage = storageOver(fs, world.table(1));
  const lock = acquired(await storage.tryLock("other", SINCE));
  for (let at = 1; at < 12; at += 1) {
    fs.setFault({ code: "ENOENT", at, lasting: "from-then-on" });
    await storage.replace(OTHER, BYTES, lock).catch(() => undefined);
    fs.clearFault();
    await storage.replace(OTHER, BYTES, lock);
  }
  await lock.release();
  goOn();
  await writing;
  expect(Buffer.from((await storage.read(KEY)) ?? []).toString()).toBe("bytes");
});
