/**
 * Files that a person names, outside the store: read whole within a limit, written whole or not at all. What is there
 * is replaced only where that was asked for, and a link never: the file would appear somewhere else.
 */
import { dirname, join } from "node:path";
import { DraftstateError, systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { nodeFileSystem } from "./fs/node-file-system.js";
import { followLinks, isThere } from "./fs/paths.js";
import { readFollowed } from "./fs/read-at-once.js";
import { takeFreeName } from "./take-free-name.js";

export interface WriteUserFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly overwrite: boolean;
  /** Letters and digits that no other writer uses. */
  readonly unique: string;
}

/** Throws `NOT_FOUND`, `USAGE` for what is no regular file, `CORRUPT` for one that is too large, `STORAGE`. */
export async function readUserFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const followed = await followLinks(path);
    await assertFile(path, followed);
    const file = await nodeFileSystem.openForReading(followed);
    try {
      const { size } = await file.info();
      if (size > maxBytes)
        throw new DraftstateError("CORRUPT", `${path} has ${size} bytes, more than the limit of ${maxBytes}`, { path });
      return await file.read(0, size);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw missing(path, error);
  }
}

const PIECE = 2 ** 20;
const MAX_DEPTH = 16;
const MAX_FILES = 100_000;

export interface OpenUserFile {
  readonly size: number;
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** To be read piece by piece. Throws as `readUserFile` does. */
export async function openUserFile(path: string): Promise<OpenUserFile> {
  try {
    const followed = await followLinks(path);
    await assertFile(path, followed);
    const file = await nodeFileSystem.openForReading(followed);
    const { size } = await file.info();
    return {
      size,
      read: (position, length) =>
        file.read(position, length).catch((error: unknown) => {
          throw refused(path, error);
        }),
      close: () => file.close(),
    };
  } catch (error) {
    throw missing(path, error);
  }
}

/** All of it, in pieces of a megabyte. */
export async function* streamUserFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await openUserFile(path);
  try {
    for (let position = 0; position < file.size;) {
      const piece = await file.read(position, PIECE);
      if (piece.length === 0) return;
      position += piece.length;
      yield piece;
    }
  } finally {
    await file.close();
  }
}

/** Links to one count. */
export async function isUserDirectory(path: string): Promise<boolean> {
  try {
    return (await nodeFileSystem.stat(await followLinks(path)))?.kind === "directory";
  } catch (error) {
    throw missing(path, error);
  }
}

/** The regular files below a directory, sorted; links in it are not followed. Throws `USAGE` for more than a person means. */
export async function listUserFiles(directory: string, depth = 0): Promise<string[]> {
  const found: string[] = [];
  try {
    for (const name of (await nodeFileSystem.list(await followLinks(directory))).sort()) {
      const path = join(directory, name);
      const kind = (await nodeFileSystem.stat(path))?.kind;
      if (kind === "file") found.push(path);
      else if (kind === "directory" && depth < MAX_DEPTH) found.push(...(await listUserFiles(path, depth + 1)));
      if (found.length > MAX_FILES)
        throw new DraftstateError("USAGE", `${directory} holds more than ${MAX_FILES} files: name a smaller directory`);
    }
    return found;
  } catch (error) {
    throw missing(directory, error);
  }
}

function missing(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  return code === "ENOENT" || code === "ENOTDIR"
    ? new DraftstateError("NOT_FOUND", `there is no file ${path}`, { path })
    : refused(path, error);
}

/** The user who named something else meant a file: that is a slip, not damage. */
async function assertFile(path: string, followed: string): Promise<void> {
  const found = await nodeFileSystem.stat(followed);
  if (found === undefined || found.kind === "file") return;
  const advice =
    found.kind === "directory"
      ? "is a directory: give a file in it"
      : "is not a regular file: give one, or pipe it to stdin";
  throw new DraftstateError("USAGE", `${path} ${advice}`, { path });
}

/** As text, links followed; undefined if there is none. Throws `CORRUPT` for what is no regular file or too large, else the system's error. */
export function readTextAtOnce(path: string, maxBytes: number): string | undefined {
  try {
    return isThere(path) ? Buffer.from(readFollowed(path, maxBytes)).toString("utf8") : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Of the operating system; what is ours already, or a mistake of ours, stays what it is. */
function refused(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (error instanceof DraftstateError || code === undefined) return error;
  return new DraftstateError(
    "STORAGE",
    `${path} cannot be read or written (${code}): check owner, mode and free space of it and its directory`,
    { path, cause: error },
  );
}

async function assertFree({ path, overwrite }: WriteUserFile, fs: FileSystem): Promise<void> {
  const found = await fs.stat(path);
  if (found === undefined || (overwrite && found.kind === "file")) return;
  if (found.kind !== "file")
    throw new DraftstateError(
      "USAGE",
      `${path} exists and is not a regular file (${found.kind}): choose another name`,
      {
        path,
      },
    );
  throw exists(path);
}

function exists(path: string): DraftstateError {
  return new DraftstateError("USAGE", `${path} exists already: choose another name, or overwrite it with --force`, {
    path,
  });
}

/** Readers see nothing, or all of it; durable when it resolves. */
export async function writeUserFile(request: WriteUserFile, fs: FileSystem = nodeFileSystem): Promise<void> {
  const { path, unique } = request;
  const aside = join(dirname(path), `.tmp-${unique}`);
  try {
    await assertFree(request, fs);
    await writeAside(aside, request.bytes, fs);
    try {
      await takeName(aside, request, fs);
      await fs.syncDirectory(dirname(path));
    } finally {
      await fs.unlink(aside).catch(() => undefined);
    }
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT")
      throw new DraftstateError("NOT_FOUND", `there is no directory ${dirname(path)}`, { path });
    throw refused(path, error);
  }
}

async function writeAside(aside: string, bytes: Uint8Array, fs: FileSystem): Promise<void> {
  const file = await fs.createFile(aside);
  try {
    await file.write(bytes);
    await file.sync();
  } catch (error) {
    await fs.unlink(aside).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function takeName(aside: string, request: WriteUserFile, fs: FileSystem): Promise<void> {
  const { path, overwrite } = request;
  if (overwrite) {
    await assertFree(request, fs);
    await fs.rename(aside, path);
    return;
  }
  // Nothing keeps other programs out of a directory of the user's.
  const taken = await takeFreeName(fs, {
    from: aside,
    to: path,
    check: () => Promise.resolve(),
    alone: (act) => act(),
  });
  if (taken === "taken") throw exists(path);
}
