/**
 * The only door to node:fs: the operating system behind the `FileSystem` contract.
 * Opens refuse links (O_NOFOLLOW) and never wait for a FIFO (O_NONBLOCK).
 */
import {
  access as accessLater,
  close as closeLater,
  closeSync,
  constants,
  fdatasync as fdatasyncLater,
  fstat as fstatLater,
  fstatSync,
  fsync as fsyncLater,
  link as linkLater,
  lstatSync,
  mkdir as mkdirLater,
  open as openLater,
  openSync,
  read as readLater,
  readdir as readdirLater,
  readSync,
  realpath as realpathLater,
  readlinkSync,
  realpathSync,
  rename as renameLater,
  stat as statLater,
  statfs as statfsLater,
  statSync,
  unlink as unlinkLater,
  write as writeLater,
  writeSync,
  type BigIntStats,
} from "node:fs";
import { platform } from "node:os";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { DraftstateError, systemErrorCode } from "../errors.js";
import type { FileKind, FileStat, FileSystem, FileSystemSpace, OpenFile, OpenFileInfo } from "./file-system.js";
import { isForbidden } from "./storage-error.js";

/** A content comes in parts of at least so much, between which the event loop is to turn. */
const SMALL_PART_BYTES = 16 * 1024;
/** An append to a log comes alone. */
const SMALL_APPEND_BYTES = 64 * 1024;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** Windows has neither. */
const { O_NOFOLLOW: NO_FOLLOW = 0, O_NONBLOCK: NON_BLOCK = 0 } = constants as Partial<typeof constants>;

/** Not of node:fs/promises, which takes longer to load than many a command takes. */
const access = promisify(accessLater);
const close = promisify(closeLater);
const fdatasync = promisify(fdatasyncLater);
const fstat = promisify(fstatLater);
const fsync = promisify(fsyncLater);
const link = promisify(linkLater);
const mkdir = promisify(mkdirLater);
const open = promisify(openLater);
const read = promisify(readLater);
const readdir = promisify(readdirLater);
const realpath = promisify(realpathLater.native);
const rename = promisify(renameLater);
const statFollowing = promisify(statLater);
const statfs = promisify(statfsLater);
const unlink = promisify(unlinkLater);
const write = promisify(writeLater);

/** A file that is written. Its descriptor is closed when no call uses it any more, and used by none after: it may be another file's by then. */
class WrittenFile implements OpenFile {
  #uses = 0;
  #closing: Promise<void> | undefined;
  #onUnused: (() => void) | undefined;
  /** What follows a sync is an append to a log. */
  #isSynced = false;

  constructor(private readonly descriptor: number) {}

  write(bytes: Uint8Array): Promise<void> {
    return this.#use(async (descriptor) => {
      for (let written = 0; written < bytes.length;) {
        const [start, length] = [written, bytes.length - written];
        // What is small goes to the page cache in microseconds; handing it to another thread and back takes longer.
        written +=
          length <= (this.#isSynced ? SMALL_APPEND_BYTES : SMALL_PART_BYTES)
            ? writeSync(descriptor, bytes, start, length)
            : (await write(descriptor, bytes, start, length)).bytesWritten;
      }
    });
  }

  async read(): Promise<Uint8Array> {
    throw Object.assign(new Error("the file was opened for writing"), { code: "EBADF" });
  }

  info(): Promise<OpenFileInfo> {
    return this.#use(async (descriptor) => {
      return statOf(await fstat(descriptor, { bigint: true }));
    });
  }

  sync(): Promise<void> {
    return this.#use(async (descriptor) => {
      await fdatasync(descriptor);
      this.#isSynced = true;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#uses > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
    }
    await close(this.descriptor);
  }

  async #use<T>(act: (descriptor: number) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw Object.assign(new Error("the file is closed"), { code: "EBADF" });
    this.#uses += 1;
    try {
      return await act(this.descriptor);
    } finally {
      this.#uses -= 1;
      if (this.#uses === 0) this.#onUnused?.();
    }
  }
}

/** More than this is read while the event loop runs; less takes the loop longer to hand over than to read. */
const AT_ONCE_BYTES = 64 * 1024;

/**
 * A file that is read: opened, asked and closed in system calls of microseconds, which a list of thousands of files
 * would otherwise wait for in turns of the event loop.
 */
class ReadFile implements OpenFile {
  constructor(
    private readonly descriptor: number,
    private readonly found: OpenFileInfo,
  ) {}

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const range = [buffer, filled, length - filled, position + filled] as const;
      const bytesRead =
        length <= AT_ONCE_BYTES
          ? readSync(this.descriptor, ...range)
          : (await read(this.descriptor, ...range)).bytesRead;
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async info(): Promise<OpenFileInfo> {
    return this.found;
  }

  async write(): Promise<void> {
    throw Object.assign(new Error("the file was opened for reading"), { code: "EBADF" });
  }

  async sync(): Promise<void> {
    await this.write();
  }

  async close(): Promise<void> {
    closeSync(this.descriptor);
  }
}

function kindOf(stat: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileKind {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  return stat.isSymbolicLink() ? "link" : "other";
}

function statOf(found: BigIntStats): FileStat {
  const inode = `${found.dev}:${found.ino}`;
  const identity = `${inode}:${found.size}:${found.mtimeNs}`;
  return {
    kind: kindOf(found),
    size: Number(found.size),
    modifiedAt: found.mtime,
    inode,
    identity,
    version: `${identity}:${found.ctimeNs}`,
  };
}

function refuse(path: string, kind: FileKind): DraftstateError {
  return new DraftstateError("CORRUPT", `${path} is not a regular file (${kind}): move it away`, { path });
}

async function openForReading(path: string): Promise<OpenFile> {
  const descriptor = openDescriptor(path);
  try {
    const found = statOf(fstatSync(descriptor, { bigint: true }));
    if (found.kind !== "file") throw refuse(path, found.kind);
    return new ReadFile(descriptor, found);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openDescriptor(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | NO_FOLLOW | NON_BLOCK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ELOOP" || code === "EMLINK") throw refuse(path, "link");
    if (code === "ENXIO") throw refuse(path, "other");
    throw error;
  }
}

async function createFile(path: string): Promise<OpenFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | NO_FOLLOW;
  return new WrittenFile(await open(path, flags, FILE_MODE));
}

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
  if (found?.kind === "link" && (await statFollowing(path)).isDirectory()) return true;
  if (found !== undefined) throw Object.assign(new Error(`${path} is not a directory`), { code: "EEXIST" });
  return false;
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

/** Where a path that a person gave leads, links followed; rejects with ENOENT where it leads nowhere. */
export function followLinks(path: string): Promise<string> {
  return realpath(path);
}

/** At once, links followed, and cheaper than an open that fails. */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

export interface Attributes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly isFile: boolean;
  /** Neither a file nor a directory. */
  readonly isOther: boolean;
  /** Names of the file. */
  readonly links: number;
}

/** Links followed; undefined where there is nothing that we may see. */
export function attributesOf(path: string): Attributes | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const { uid, gid, mode, nlink: links } = found;
    const isFile = found.isFile();
    return { uid, gid, mode, links, isFile, isOther: !isFile && !found.isDirectory() };
  } catch {
    return undefined;
  }
}

/** A small file, at once, links followed: what is no regular file is refused without waiting for it. */
export function readFollowed(path: string, maxBytes: number): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | NON_BLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw refuse(path, kindOf(found));
    if (found.size > maxBytes)
      throw new DraftstateError("CORRUPT", `${path} has ${found.size} bytes, more than the limit of ${maxBytes}`, {
        path,
      });
    const bytes = Buffer.allocUnsafe(found.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, found.size, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined where there is nothing, or nothing that we may see. */
export function linkTargetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

export function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/**
 * For a thread that does nothing but read: as `openForReading` and `read`, at once, into memory that the next call uses
 * again (fresh memory costs more than the reading). Undefined for whatever is not simply a file of that size.
 */
export function readAtOnce(path: string, maxBytes: number): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW | NON_BLOCK);
  } catch {
    return undefined;
  }
  try {
    const found = fstatSync(descriptor);
    const { size } = found;
    if (!found.isFile() || size > maxBytes) return undefined;
    if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(2 * size);
    return readSync(descriptor, scratch, 0, size, 0) === size ? scratch.subarray(0, size) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

let scratch = Buffer.alloc(0);
