/** New directories of conversations and backups keep chats out of git; what is there is left as it is. */
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/storage/file-system.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { intercepted } from "../doubles/interleaving.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR, storageOver } from "../doubles/storage-over.js";

const DIRECTORIES = [STATE_DIR, BACKUP_DIR];
const IGNORES_ALL = /^#.*\n\*\n$/;

function prepare(fs: FileSystem, prefix = "n"): Promise<void> {
  return storageOver(fs, new ProcessWorld().table(1), prefix, { keepOutOfGit: true }).prepare();
}

async function ignored(fs: FileSystem, directory: string): Promise<string | undefined> {
  const path = join(directory, ".gitignore");
  if ((await fs.stat(path)) === undefined) return undefined;
  return Buffer.from(await (await fs.openForReading(path)).read(0, 1000)).toString();
}

async function make(fs: FileSystem, directory: string): Promise<void> {
  for (const path of ["/store", directory]) await fs.makeDirectory(path);
}

async function write(fs: FileSystem, path: string, text: string): Promise<void> {
  const file = await fs.createFile(path);
  await file.write(Buffer.from(text));
  await file.close();
}

describe("a .gitignore", () => {
  test("is in both directories of a new store, and no listing shows it", async () => {
    const fs = new SimulatedFileSystem();
    await prepare(fs);
    for (const directory of DIRECTORIES) expect(await ignored(fs, directory)).toMatch(IGNORES_ALL);
    const storage = storageOver(fs);
    expect([await storage.list("state"), await storage.list("backup")]).toEqual([[], []]);
    expect([...fs.image.entries.keys()].map(dirname).sort()).toEqual([...DIRECTORIES].sort());
  });

  test.each([".gitignore", "chat.json", "README.md"])("is not put beside %s of a person", async (name) => {
    const fs = new SimulatedFileSystem();
    await make(fs, STATE_DIR);
    await write(fs, join(STATE_DIR, name), "");
    await prepare(fs);
    expect(await ignored(fs, STATE_DIR)).toBe(name === ".gitignore" ? "" : undefined);
  });

  test("is not put into an empty directory of a person", async () => {
    const fs = new SimulatedFileSystem();
    await make(fs, STATE_DIR);
    await prepare(fs);
    expect([await ignored(fs, STATE_DIR), await ignored(fs, BACKUP_DIR)]).toEqual([
      undefined,
      expect.stringMatching(IGNORES_ALL),
    ]);
  });

  test("that was removed does not come back", async () => {
    const fs = new SimulatedFileSystem();
    await prepare(fs);
    for (const directory of DIRECTORIES) await fs.unlink(join(directory, ".gitignore"));
    await prepare(fs);
    for (const directory of DIRECTORIES) expect(await ignored(fs, directory)).toBeUndefined();
  });

  test("is in a directory of backups that a store gets anew", async () => {
    const fs = new SimulatedFileSystem();
    await prepare(fs);
    await fs.unlink(join(BACKUP_DIR, ".gitignore"));
    const moved = new SimulatedFileSystem(withoutDirectory(fs, BACKUP_DIR));
    await prepare(moved);
    expect(await ignored(moved, BACKUP_DIR)).toMatch(IGNORES_ALL);
  });

  test("is there and whole after a power loss at any moment, once the store is prepared again, but where all that is left is an empty directory", async () => {
    const fs = new SimulatedFileSystem();
    await prepare(fs);
    for (let after = 0; after <= fs.operationCount; after += 1)
      for (const { label, fileSystem } of fs.crashStates({ after })) {
        const empty = await emptyIn(fileSystem);
        await prepare(fileSystem, "m");
        for (const directory of DIRECTORIES) {
          const found = await ignored(fileSystem, directory);
          if (empty.includes(directory)) expect(found).toBeUndefined();
          else expect(found, `${label} after ${after}`).toMatch(IGNORES_ALL);
          expect(await fileSystem.list(directory), label).not.toContainEqual(expect.stringMatching(/^\.tmp-/));
        }
      }
  });

  test("is written by two processes at once, also where one takes the other for dead", async () => {
    const fs = new SimulatedFileSystem();
    let others = 0;
    const slow = intercepted(fs, async (call, [path], act) => {
      if (call === "rename" && path?.endsWith(".gitignore") === true && (others += 1) === 1) await fs.unlink(path);
      return act();
    });
    await Promise.all([prepare(slow, "a"), prepare(fs, "b"), prepare(fs, "c")]);
    expect(others).toBeGreaterThan(1);
    for (const directory of DIRECTORIES) expect(await ignored(fs, directory)).toMatch(IGNORES_ALL);
  });

  test("is done without where nothing may be written", async () => {
    const inner = new SimulatedFileSystem();
    await make(inner, BACKUP_DIR);
    const fs = new FaultyFileSystem(inner);
    fs.setFault({ code: "EACCES", at: 2, only: ["createFile"] });
    await prepare(fs);
    expect(await ignored(fs, BACKUP_DIR)).toBeUndefined();
  });

  test("is refused with STORAGE on a full disk, and written by the next attempt", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    fs.setFault({ code: "ENOSPC", at: 1, only: ["write"] });
    const storage = storageOver(fs, new ProcessWorld().table(1), "n", { keepOutOfGit: true });
    await expect(storage.prepare()).rejects.toMatchObject({ code: "STORAGE" });
    fs.clearFault();
    await storage.prepare();
    for (const directory of DIRECTORIES) expect(await ignored(fs, directory)).toMatch(IGNORES_ALL);
  });
});

async function emptyIn(fs: SimulatedFileSystem): Promise<string[]> {
  const empty: string[] = [];
  for (const directory of DIRECTORIES)
    if ((await fs.hasDirectory(directory)) && (await fs.list(directory)).length === 0) empty.push(directory);
  return empty;
}

function withoutDirectory(fs: SimulatedFileSystem, path: string): SimulatedFileSystem["image"] {
  const { directories, ...image } = fs.image;
  return { ...image, directories: new Set([...directories].filter((directory) => directory !== path)) };
}
