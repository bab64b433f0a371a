/** A directory of backups is one store's: another that names it too is refused before it reads, removes or makes anything. */
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdtemp, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/index.js";
import { createLocalStorage } from "../../src/storage/index.js";
import type { Storage } from "../../src/storage/storage.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

let directory: string;
const at = (name: string): string => join(directory, name);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-owner-"));
});
afterEach(() => rm(directory, { recursive: true }));

function storageIn(stateDir: string, backupDir = "backups"): Storage {
  return createLocalStorage({ stateDir: at(stateDir), backupDir: at(backupDir), command: "test" });
}

async function begun(stateDir: string, backupDir = "backups"): Promise<void> {
  const storage = storageIn(stateDir, backupDir);
  await storage.prepare();
  await storage.replace({ area: "backup", name: "b" }, Buffer.from(stateDir));
}

async function namesSeen(stateDir: string, backupDir = "backups"): Promise<string[]> {
  const storage = storageIn(stateDir, backupDir);
  const before = await storage.list("backup");
  await storage.prepare();
  expect(await storage.list("backup")).toEqual(before);
  return before;
}

describe("a directory of backups that two stores name", () => {
  test("is the first one's: its retention, restore and names are not the other's", async () => {
    const open = (stateDir: string) =>
      createDraftStatePersistenceManager({ stateDir: at(stateDir), backupDir: at("backups"), maxBackups: 1 });
    const first = open("a");
    await first.saveState("tale", { messages: [], currentNarrative: "of a" });
    const backup = await first.backup("tale");
    await first.close();
    const second = open("b");
    const refused = { code: "INVALID_CONFIG", path: "backupDir", message: expect.stringContaining(at("a")) as string };
    await expect(second.saveState("tale", { messages: [], currentNarrative: "of b" })).rejects.toMatchObject(refused);
    await expect(second.listBackups("tale")).rejects.toMatchObject(refused);
    await expect(second.restore("tale", backup)).rejects.toMatchObject(refused);
    await expect(second.list()).rejects.toMatchObject(refused);
    await second.close();
    expect([existsSync(at("b")), readdirSync(at("backups")).filter((name) => !name.startsWith("."))]).toEqual([
      false,
      [`tale_${backup}.json`],
    ]);
  });

  test.each(["read", "readEnd", "replace", "create", "remove", "move"] as const)("refuses %s", async (call) => {
    await begun("a");
    const [storage, key] = [storageIn("b"), { area: "backup", name: "b" } as const];
    const act = {
      read: () => storage.read(key),
      readEnd: () => storage.readEnd(key, 10),
      replace: () => storage.replace(key, new Uint8Array()),
      create: () => storage.create({ ...key, name: "c" }, new Uint8Array()),
      remove: () => storage.remove(key),
      move: () => storage.move(key, { area: "trash", name: "b" }),
    }[call];
    await expect(act()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  test("goes to one of two that begin at once", async () => {
    const begin = await Promise.allSettled([storageIn("a").prepare(), storageIn("b").prepare()]);
    expect(begin.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("a store finds its backups", () => {
  test("again", async () => {
    await begun("a");
    expect(await namesSeen("a")).toEqual(["b"]);
  });

  test("beside it, wherever both moved or were copied", async () => {
    await begun("p/state", "p/backup");
    await cp(at("p"), at("q"), { recursive: true });
    expect(await namesSeen("q/state", "q/backup")).toEqual(["b"]);
    await rename(at("p"), at("r"));
    expect(await namesSeen("r/state", "r/backup")).toEqual(["b"]);
  });

  test("after it moved alone, and refuses whoever takes its old place", async () => {
    await begun("a");
    await rename(at("a"), at("c"));
    expect(await namesSeen("c")).toEqual(["b"]);
    await expect(storageIn("a").list("backup")).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  test("after the state directory was lost and made anew, there or elsewhere", async () => {
    await begun("a");
    await rm(at("a"), { recursive: true });
    await mkdir(at("a"));
    expect(await namesSeen("a")).toEqual(["b"]);
    await rm(at("a"), { recursive: true });
    expect(await namesSeen("d")).toEqual(["b"]);
  });

  test("through links", async () => {
    await begun("a");
    await symlink(at("a"), at("link"));
    await symlink(at("backups"), at("backup link"));
    expect(await namesSeen("link", "backup link")).toEqual(["b"]);
  });

  test.each(["", "{", '{"stateDir": 3}'])("with a mark %j that says nothing, and writes it anew", async (mark) => {
    await begun("a");
    await writeFile(at("backups/.draftstate-owner"), mark);
    expect(await namesSeen("a")).toEqual(["b"]);
    await expect(storageIn("b").prepare()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  test("that have no mark yet, and marks them", async () => {
    await begun("a");
    await unlink(at("backups/.draftstate-owner"));
    expect(await namesSeen("a")).toEqual(["b"]);
    await expect(storageIn("b").prepare()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  test("where no mark can be written", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const begin = () => storageOver(fs, new ProcessWorld().table(1), "n", { ownsBackups: true }).prepare();
    fs.setFault({ code: "ENOSPC", at: 1, only: ["write"] });
    await begin();
    fs.clearFault();
    await begin();
    await begin();
    expect(await fs.list("/store/backup")).toEqual([".draftstate-owner"]);
  });
});
