/** A log whose name leads elsewhere is read by nobody: nothing more is acknowledged in it, whatever other names the file has. */
import { copyFile, link, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createLocalStorage } from "../../src/index.js";
import type { FileStat } from "../../src/storage/file-system.js";
import type { Log } from "../../src/storage/storage.js";
import { acquired } from "../contracts/storage-contract.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { STATE_DIR, storageOver } from "../doubles/storage-over.js";

const BYTES = Buffer.from("bytes");
const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function logIn(): Promise<{ readonly log: Log; readonly path: string; readonly other: string }> {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-log-"));
  directories.push(directory);
  const [stateDir, backupDir] = [join(directory, "state"), join(directory, "backup")];
  const storage = createLocalStorage({ stateDir, backupDir, command: "test" });
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", new Date(0)));
  const log = await storage.createLog({ area: "state", name: "chat.journal" }, BYTES, lock);
  await log.appendDurably(BYTES);
  return { log, path: join(stateDir, "chat.journal"), other: join(directory, "other") };
}

const LOST: readonly (readonly [string, (path: string, other: string) => Promise<void>])[] = [
  ["was removed", (path): Promise<void> => rm(path)],
  [
    "was removed, while a hard link is kept elsewhere",
    async (path, other): Promise<void> => {
      await link(path, other);
      await rm(path);
    },
  ],
  ["was moved away", (path, other): Promise<void> => rename(path, other)],
  [
    "went to a copy",
    async (path, other): Promise<void> => {
      await link(path, other);
      await copyFile(path, `${path}-copy`);
      await rename(`${path}-copy`, path);
    },
  ],
];

const WRITES: readonly (readonly [string, (log: Log) => Promise<void>])[] = [
  ["append", (log): Promise<void> => log.append(BYTES)],
  ["appendDurably", (log): Promise<void> => log.appendDurably(BYTES)],
  ["sync", (log): Promise<void> => log.sync()],
];

describe.each(LOST)("a log whose name %s", (_how, lose) => {
  test.each(WRITES)("rejects %s with STORAGE", async (_what, write) => {
    const { log, path, other } = await logIn();
    await lose(path, other);
    await expect(write(log)).rejects.toMatchObject({ code: "STORAGE" });
    await log.close();
  });
});

test.each(WRITES)("a log that has a second name, besides its own, takes %s", async (_what, write) => {
  const { log, path, other } = await logIn();
  await link(path, other);
  await expect(write(log)).resolves.toBeUndefined();
  await log.close();
});

test("a log in a file system that numbers files anew is known by its size and time", async () => {
  const disk = new SimulatedFileSystem();
  const stat = disk.stat.bind(disk);
  let number = 0;
  disk.stat = async (path): Promise<FileStat | undefined> => {
    const found = await stat(path);
    return found === undefined ? undefined : { ...found, inode: `anew ${(number += 1)}` };
  };
  const storage = storageOver(disk);
  await storage.prepare();
  const log = await storage.createLog({ area: "state", name: "chat.journal" }, BYTES);
  await log.appendDurably(BYTES);
  await disk.rename(`${STATE_DIR}/chat.journal`, `${STATE_DIR}/away`);
  await expect(log.appendDurably(BYTES)).rejects.toMatchObject({ code: "STORAGE" });
});
