/** What a person names for an import (files, a directory, a ZIP archive, stdin) → sources that can be read as often as need be. */
import { basename } from "node:path";
import { DraftstateError } from "../../../errors.js";
import { decompress, MAX_FILE_BYTES } from "../../../store/codec.js";
import type { Compression } from "../../../store/names.js";
import {
  isUserDirectory,
  listUserFiles,
  openUserFile,
  readUserFile,
  streamUserFile,
} from "../../../storage/user-file.js";
import { isZip, zipEntries } from "../../../storage/zip-file.js";
import { pathIn, type InputStream, type Io } from "../../io.js";

export interface Source {
  /** For messages. */
  readonly label: string;
  /** Of conversations that have no name of their own. */
  readonly fallbackName: string;
  readonly sizeBytes: number;
  /** Found in a directory or an archive: it may be something else than conversations. */
  readonly isFound: boolean;
  open(): AsyncIterable<Uint8Array>;
}

/** The label of what is piped in. */
export const STDIN = "stdin";

/** As the programs that can be imported from write them. */
const SESSION_FILE = /\.(jsonl|ndjson)$|(^|[\\/])(session-[^\\/]*|conversations[^\\/]*)\.json$/i;
const EXPORT_ENTRY = /(^|\/)conversations[^/]*\.json$/i;
const ANY_ENTRY = /\.(jsonl?|ndjson)$/i;
/** Side chains that Claude Code writes as files of their own. */
const AGENT_FILE = /(^|[\\/])(agent-[^\\/]*\.jsonl$|subagents[\\/])/;

export interface Found {
  readonly sources: readonly Source[];
  /** Files of a directory or archive that were not looked into, by why. */
  readonly others: number;
  readonly sideChains: number;
}

/** Throws `NOT_FOUND`, `USAGE`, `CORRUPT`, `STORAGE`. */
export async function findSources(files: readonly string[], io: Pick<Io, "stdin" | "directory">): Promise<Found> {
  const found: Found[] = [];
  for (const file of files) found.push(await sourcesOf(file === "-" ? file : pathIn(io, file), io.stdin));
  return {
    sources: found.flatMap(({ sources }) => sources),
    others: found.reduce((sum, { others }) => sum + others, 0),
    sideChains: found.reduce((sum, { sideChains }) => sum + sideChains, 0),
  };
}

function alone(source: Source): Found {
  return { sources: [source], others: 0, sideChains: 0 };
}

async function sourcesOf(file: string, input: InputStream): Promise<Found> {
  if (file === "-") {
    const bytes = await readInput(input);
    return isZip(bytes) ? fromZip(STDIN, bytes) : alone(await inMemory(STDIN, "imported", bytes));
  }
  if (await isUserDirectory(file)) return fromDirectory(file);
  const opened = await openUserFile(file);
  try {
    const head = await opened.read(0, 4);
    if (isZip(head)) return await fromZip(file, undefined);
    const fallbackName = nameOf(file);
    if (compressionOf(head, file) !== "none")
      return alone(await inMemory(file, fallbackName, await readUserFile(file, MAX_FILE_BYTES)));
    return alone(onDisk(file, opened.size, false));
  } finally {
    await opened.close();
  }
}

function onDisk(path: string, sizeBytes: number, isFound: boolean): Source {
  return { label: path, fallbackName: nameOf(path), sizeBytes, isFound, open: () => streamUserFile(path) };
}

async function inMemory(label: string, fallbackName: string, bytes: Uint8Array): Promise<Source> {
  const content = await decompress(bytes, compressionOf(bytes, label)).catch((error: unknown) => {
    throw error instanceof DraftstateError
      ? new DraftstateError(error.code, `${label}: ${error.message}`, { path: label, cause: error })
      : error;
  });
  return { label, fallbackName, sizeBytes: content.length, isFound: false, open: () => once(content) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function fromDirectory(directory: string): Promise<Found> {
  const files = await listUserFiles(directory);
  const known = files.filter((file) => SESSION_FILE.test(file));
  const sessions = known.filter((file) => !AGENT_FILE.test(file));
  if (known.length === 0)
    throw new DraftstateError(
      "NOT_FOUND",
      `${directory} holds ${files.length === 0 ? "no files" : "no .jsonl or .ndjson file, and no session-*.json or conversations*.json"}: name the files to import`,
      { path: directory },
    );
  const sources: Source[] = [];
  for (const file of sessions) {
    const opened = await openUserFile(file);
    await opened.close();
    sources.push(onDisk(file, opened.size, true));
  }
  return { sources, others: files.length - known.length, sideChains: known.length - sessions.length };
}

/** An export as it was downloaded: its conversations; where there are none of that name, every JSON file in it. */
async function fromZip(label: string, bytes: Uint8Array | undefined): Promise<Found> {
  const entries = await withAccess(label, bytes, zipEntries);
  const exported = entries.filter(({ name }) => EXPORT_ENTRY.test(name));
  const chosen = exported.length > 0 ? exported : entries.filter(({ name }) => ANY_ENTRY.test(name));
  if (chosen.length === 0)
    throw new DraftstateError("CORRUPT", `${label}: the ZIP archive holds no conversations.json and no other JSON`, {
      path: label,
    });
  const sources = chosen.map(({ name, sizeBytes }): Source => ({
    label: `${label}/${name}`,
    fallbackName: nameOf(name),
    sizeBytes,
    isFound: exported.length === 0,
    open: () => streamEntry(label, bytes, name),
  }));
  return { sources, others: 0, sideChains: 0 };
}

async function withAccess<T>(
  file: string,
  bytes: Uint8Array | undefined,
  act: (access: Parameters<typeof zipEntries>[0]) => Promise<T>,
): Promise<T> {
  if (bytes !== undefined)
    return act({
      size: bytes.length,
      read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
    });
  const opened = await openUserFile(file);
  try {
    return await act(opened);
  } catch (error) {
    throw error instanceof DraftstateError
      ? new DraftstateError(error.code, `${file}: ${error.message}`, { path: file, cause: error })
      : error;
  } finally {
    await opened.close();
  }
}

async function* streamEntry(file: string, bytes: Uint8Array | undefined, name: string): AsyncGenerator<Uint8Array> {
  if (bytes !== undefined) {
    yield* await withAccess(file, bytes, async (access) => openEntry(await zipEntries(access), name));
    return;
  }
  const opened = await openUserFile(file);
  try {
    yield* openEntry(await zipEntries(opened), name);
  } finally {
    await opened.close();
  }
}

function openEntry(entries: Awaited<ReturnType<typeof zipEntries>>, name: string): AsyncIterable<Uint8Array> {
  const entry = entries.find((each) => each.name === name);
  if (entry === undefined) throw new DraftstateError("CORRUPT", `${name} is gone from the ZIP archive`);
  return entry.open();
}

async function readInput(input: InputStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as string | Uint8Array);
    size += bytes.length;
    if (size > MAX_FILE_BYTES)
      throw new DraftstateError("CORRUPT", `stdin holds more than the limit of ${MAX_FILE_BYTES} bytes: give the file`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** By what the bytes say; brotli has no mark of its own. */
function compressionOf(bytes: Uint8Array, name: string): Compression {
  const begins = (...mark: number[]): boolean => mark.every((byte, index) => bytes[index] === byte);
  if (begins(0x1f, 0x8b)) return "gzip";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  return name.endsWith(".br") ? "brotli" : "none";
}

function nameOf(file: string): string {
  return basename(file)
    .replace(/\.(gz|br|zst)$/, "")
    .replace(/\.(jsonl?|ndjson)$/, "");
}
