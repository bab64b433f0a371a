/** The operating system behind the `FileSystem` contract. This folder is the only door to node:fs. */
import {
  access as accessLater,
  closeSync,
  constants,
  fsync as fsyncLater,
  link as linkLater,
  lstatSync,
  mkdir as mkdirLater,
  openSync,
  readdir as readdirLater,
  rename as renameLater,
  stat as statLater,
  statfs as statfsLater,
  statSync,
  unlink as unlinkLater,
} from "node:fs";
import { platform } from "node:os";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { DraftstateError, systemErrorCode } from "../../errors.js";
import type { FileStat, FileSystem, FileSystemSpace } from "../file-system.js";
import { isForbidden } from "../storage-error.js";
import { statOf } from "./file-stat.js";
import { linkTargetOf } from "./paths.js";
import { openForReading } from "./read-file.js";
import { createFile } from "./written-file.js";

const DIRECTORY_MODE = 0o700;

/** Not of node:fs/promises, which takes longer to load than many a command takes. */
const access = promisify(accessLater);
const fsync = promisify(fsyncLater);
const link = promisify(linkLater);
const mkdir = promisify(mkdirLater);
const readdir = promisify(readdirLater);
const rename = promisify(renameLater);
const statFollowing = promisify(statLater);
const statfs = promisify(statfsLater);
const unlink = promisify(unlinkLater);

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; its renames are journaled by the file system.
  if (platform() === "win32") return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    await fsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function makeDirectory(path: string): Promise<void> {
  // One level: where a parent that is there refuses children with ENOENT, as /proc does, Node's own recursion never ends.
  await mkdir(resolve(path), { mode: DIRECTORY_MODE }).catch(ignoreExisting);
}

async function hasDirectory(path: string): Promise<boolean> {
  const found = await stat(path);
  if (found?.kind === "directory") return true;
  if (found?.kind === "link" && (await statFollowing(path).catch(explainDangling(path))).isDirectory()) return true;
  if (found !== undefined) throw Object.assign(new Error(`${path} is not a directory`), { code: "EEXIST" });
  return false;
}

/** A disk that is not mounted, say: the link is there, so nothing was removed. */
function explainDangling(path: string): (error: unknown) => never {
  return (error) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new DraftstateError(
      "STORAGE",
      `${path} is a symbolic link that leads nowhere (${linkTargetOf(path) ?? "?"}): bring back what it leads to (is its disk mounted?), or remove the link`,
      { path, cause: error },
    );
  };
}

/** Another process was faster. */
function ignoreExisting(error: unknown): void {
  if (systemErrorCode(error) !== "EEXIST") throw error;
}

/** At once: it takes microseconds, and to have another thread ask takes a hundred. */
async function stat(path: string): Promise<FileStat | undefined> {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) assertDirectories(path);
  return found === undefined ? undefined : statOf(found);
}

/** A path through something that is not a directory is no absence; some versions of Node.js report both alike. */
function assertDirectories(path: string): void {
  const parent = dirname(path);
  const found = statSync(parent, { throwIfNoEntry: false });
  if (found === undefined && parent !== path) assertDirectories(parent);
  if (found === undefined || found.isDirectory()) return;
  throw Object.assign(new Error(`${parent} is not a directory`), { code: "ENOTDIR", syscall: "lstat", path });
}

async function space(path: string): Promise<FileSystemSpace | undefined> {
  try {
    const found = await statfs(path);
    return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

export const nodeFileSystem: FileSystem = {
  makeDirectory,
  hasDirectory,
  isWritable,
  openForReading,
  createFile,
  rename,
  link,
  unlink,
  syncDirectory,
  list: (path) => readdir(path),
  stat,
  space,
};
