/** Directories of a fresh store: durable level by level, siblings by one sync, and what refuses is named. */
import { expect, test } from "vitest";
import { Directories } from "../../src/storage/directories.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";

const SIBLINGS = ["/store/inner/a", "/store/inner/b", "/store/inner/c"];

function recorded(): { readonly fs: FaultyFileSystem; readonly directories: Directories; readonly calls: string[] } {
  const fs = new FaultyFileSystem(new SimulatedFileSystem());
  const calls: string[] = [];
  const recording: FileSystem = Object.assign(Object.create(fs) as FileSystem, {
    makeDirectory: (path: string) => (calls.push(`make ${path}`), fs.makeDirectory(path)),
    syncDirectory: (path: string) => (calls.push(`sync ${path}`), fs.syncDirectory(path)),
    hasDirectory: (path: string) => fs.hasDirectory(path),
  });
  return { fs, directories: new Directories(recording), calls };
}

async function makeAll(directories: Directories): Promise<void> {
  for (const path of SIBLINGS) await directories.make(path);
  for (const path of directories.unsynced) await directories.sync(path);
}

test("none is made before the one above it is durable, and siblings share one sync", async () => {
  const { directories, calls } = recorded();
  await makeAll(directories);
  const inOrder = [
    "sync /",
    "make /store",
    "sync /",
    "make /store/inner",
    "sync /store",
    ...SIBLINGS.map((path) => `make ${path}`),
    "sync /store/inner",
  ];
  expect(calls.filter((call) => inOrder.includes(call))).toEqual(inOrder);
  expect(calls.filter((call) => call === "sync /store/inner")).toHaveLength(1);
});

test("one whose entries cannot be made durable is named, where they are ours", async () => {
  const { fs, directories } = recorded();
  await directories.make("/store");
  fs.setFault({ code: "EACCES", at: 1, only: ["syncDirectory"] });
  await expect(directories.make("/store/inner/a")).rejects.toMatchObject({ code: "STORAGE", path: "/" });
});

test("one that was there before, where a process of ours may have made it and died, is named too", async () => {
  const { fs, directories } = recorded();
  await directories.make("/store");
  fs.setFault({ code: "EACCES", at: 1, only: ["syncDirectory"] });
  const later = new Directories(fs);
  await later.make("/store");
  await expect(later.sync("/")).rejects.toMatchObject({ code: "STORAGE", path: "/" });
  expect(later.unsynced).toEqual(["/"]);
});

test("one that was there before, and where we may make nothing, is not ours to sync", async () => {
  const { fs, directories } = recorded();
  await makeAll(directories);
  const later = new Directories(
    Object.assign(Object.create(fs) as FileSystem, {
      hasDirectory: (path: string) => fs.hasDirectory(path),
      syncDirectory: (path: string) => fs.syncDirectory(path),
      isWritable: () => Promise.resolve(false),
    }),
  );
  fs.setFault({ code: "EACCES", at: 1, only: ["syncDirectory"], lasting: "from-then-on" });
  await makeAll(later);
  expect(later.unsynced).toEqual([]);
});
