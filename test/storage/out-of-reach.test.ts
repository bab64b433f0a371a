/** A directory that is missing, not a directory, or not ours to read is told apart, and is never replaced by an empty one. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalStorage } from "../../src/storage/index.js";
import { AREAS, type Key, type Storage } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const KEY: Key = { area: "state", name: "chat.json" };
const SINCE = new Date(0);
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

let root: string;
let stateDir: string;
let storage: Storage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "draftstate-reach-"));
  stateDir = join(root, "state");
  storage = here();
});
afterEach(() => rm(root, { recursive: true, force: true }));

function here(directory = stateDir): Storage {
  return createLocalStorage({ stateDir: directory, backupDir: join(root, "backup"), command: "test" });
}

const LOOKS: Readonly<Record<string, (storage: Storage) => Promise<unknown>>> = {
  read: (from) => from.read(KEY),
  readEnd: (from) => from.readEnd(KEY, 10),
  readEnds: (from) => from.readEnds([KEY], 10),
  stat: (from) => from.stat(KEY),
  list: (from) => from.list("state"),
  "list of an area inside": (from) => from.list("trash"),
  exists: (from) => from.exists(),
  lockHolder: (from) => from.lockHolder("chat"),
  locks: (from) => from.locks(),
  probe: (from) => from.probe("state"),
};

describe.each(Object.entries(LOOKS))("%s", (name, look) => {
  test("where a file has the directory's place is STORAGE, and never `not found`", async () => {
    await storage.prepare();
    await rename(stateDir, join(root, "away"));
    await writeFile(stateDir, "");
    await expect(look(storage)).rejects.toMatchObject({ code: "STORAGE" });
    await expect(look(here())).rejects.toMatchObject({ code: "STORAGE" });
  });

  test("where a file has the place of a directory above it is STORAGE", async () => {
    await writeFile(join(root, "file"), "");
    await expect(look(here(join(root, "file/deeper/state")))).rejects.toMatchObject({ code: "STORAGE" });
  });

  test("where it may not be read is STORAGE", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const guarded = storageOver(fs);
    await guarded.prepare();
    fs.setFault({ code: "EACCES", at: 1, lasting: "from-then-on" });
    await expect(look(guarded)).rejects.toMatchObject({ code: "STORAGE" });
  });

  test("where there is nothing finds nothing", async () => {
    const found = await look(storage);
    expect(name === "readEnds" ? (found as unknown[])[0] : found).toSatisfy(
      (value: unknown) => value === undefined || value === false || (Array.isArray(value) && value.length === 0),
    );
  });
});

test("a directory exists through a link, and a link to nowhere is STORAGE", async () => {
  await mkdir(join(root, "real"));
  await symlink(join(root, "real"), join(root, "link"));
  await symlink(join(root, "nowhere"), join(root, "dangling"));
  expect(await here(join(root, "link")).exists()).toBe(true);
  for (const look of ["exists", "read", "readEnd", "list", "prepare"])
    await expect((LOOKS[look] ?? ((from) => from.prepare()))(here(join(root, "dangling"))), look).rejects.toMatchObject(
      {
        code: "STORAGE",
        message: expect.stringMatching(
          /dangling is a symbolic link that leads nowhere \(.*nowhere\): bring back/,
        ) as string,
      },
    );
});

describe("prepare", () => {
  test.each(["state", "backup", "state/.draftstate/trash", "state/.draftstate/locks"])(
    "once it has made %s, it does not make it again, and says what is missing",
    async (missing) => {
      await storage.prepare();
      await storage.prepare();
      await rm(join(root, missing), { recursive: true });
      for (let call = 0; call < 2; call += 1)
        await expect(storage.prepare()).rejects.toMatchObject({
          code: "STORAGE",
          path: join(root, missing),
          message: expect.stringContaining(join(root, missing)) as string,
        });
      await mkdir(join(root, missing), { recursive: true });
      if (missing !== "state") await storage.prepare();
    },
  );

  test("a directory that a file replaced is STORAGE, and a link to nowhere is", async () => {
    await storage.prepare();
    await rm(stateDir, { recursive: true });
    await writeFile(stateDir, "");
    await expect(storage.prepare()).rejects.toMatchObject({ code: "STORAGE" });
    await rm(stateDir);
    await symlink(join(root, "nowhere"), stateDir);
    await expect(storage.prepare()).rejects.toMatchObject({ code: "STORAGE" });
  });

  test("that failed makes what is missing when it is called again", async () => {
    await writeFile(stateDir, "");
    await expect(storage.prepare()).rejects.toMatchObject({ code: "STORAGE" });
    await rm(stateDir);
    await storage.prepare();
    for (const area of AREAS) expect(await storage.list(area)).toEqual([]);
  });
});

describe("the identity of a store", () => {
  test("is the same before it is made, while it is there, while it is away, and while something else is in its place", async () => {
    const { identity } = storage;
    await storage.prepare();
    expect(here().identity).toBe(identity);
    await rename(stateDir, join(root, "away"));
    expect(here().identity).toBe(identity);
    await writeFile(stateDir, "");
    expect(here().identity).toBe(identity);
  });

  test("is the same while the directory that a link leads to is away", async () => {
    await mkdir(join(root, "disk"));
    await symlink(join(root, "disk"), stateDir);
    const { identity } = here();
    await rm(join(root, "disk"), { recursive: true });
    expect(here().identity).toBe(identity);
  });

  test("is the same by a relative path, with a slash at its end, and by a link to the directory above", async () => {
    await symlink(root, `${root}-link`);
    try {
      const paths = [
        relative(process.cwd(), stateDir),
        `${stateDir}/`,
        join(root, "other", "..", "state"),
        join(`${root}-link`, "state"),
      ];
      for (const path of paths) expect(here(path).identity, path).toBe(storage.identity);
      expect(here(join(root, "state2")).identity).not.toBe(storage.identity);
    } finally {
      await rm(`${root}-link`);
    }
  });

  test("a value can be read by its path", async () => {
    await storage.prepare();
    await storage.replace(KEY, bytesOf("x"));
    expect(storage.pathOf?.(KEY)).toBe(join(stateDir, "chat.json"));
  });
});

test("a lock whose directory is away is LOCKED, not STORAGE, and is held again when it is back", async () => {
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", SINCE));
  await rename(stateDir, join(root, "away"));
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
  await writeFile(stateDir, "");
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
  await rm(stateDir);
  await rename(join(root, "away"), stateDir);
  await lock.assertHeld();
  await storage.replace(KEY, bytesOf("back"), lock);
  expect(await textAt(storage, KEY)).toBe("back");
});
