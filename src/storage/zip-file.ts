/**
 * A ZIP archive that a person named: what is in it, and each entry as a stream. Limits hold before anything is decompressed,
 * by what the directory of the archive declares; an entry that turns out larger than declared is cut off with an error.
 */
import { Readable } from "node:stream";
import type { Entry, ZipFile } from "yauzl";
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";

/** Bytes that can be read anywhere. */
export interface RandomAccess {
  readonly size: number;
  read(position: number, length: number): Promise<Uint8Array>;
}

export interface ZipEntry {
  readonly name: string;
  /** Decompressed, as the archive declares and its reader enforces. */
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

const MAX_ENTRIES = 100_000;
const GIB = 2 ** 30;
/** Of one entry, decompressed. */
const MAX_ENTRY_BYTES = 16 * GIB;
/** Text shrinks to a tenth or so; only what was made for it shrinks to a two-hundredth and is large. */
const MAX_RATIO = 200;
const SMALL_ENTRY_BYTES = 64 * 2 ** 20;
const PIECE = 2 ** 18;

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

function refuse(found: string, cause?: unknown): DraftstateError {
  return new DraftstateError("CORRUPT", `the ZIP archive ${found}`, cause === undefined ? {} : { cause });
}

/** Throws `CORRUPT` for what is damaged, or declares too much. Entries can be opened as long as the access lasts. */
export async function zipEntries(access: RandomAccess): Promise<ZipEntry[]> {
  try {
    const zip = await openZip(access);
    const entries: ZipEntry[] = [];
    if (zip.entryCount > MAX_ENTRIES)
      throw refuse(`has ${zip.entryCount} entries, more than the limit of ${MAX_ENTRIES}`);
    for await (const entry of zip.eachEntry())
      if (!entry.fileName.endsWith("/"))
        entries.push({
          name: entry.fileName,
          sizeBytes: entry.uncompressedSize,
          open: () => contentOf(access, entry),
        });
    return entries;
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(error: unknown): unknown {
  return isDraftstateError(error) ? error : refuse(`cannot be read (${messageOf(error)}): download it again`, error);
}

function assertBounded({ fileName, uncompressedSize, compressedSize }: Entry): void {
  const ratio = uncompressedSize / Math.max(1, compressedSize);
  if (uncompressedSize > MAX_ENTRY_BYTES)
    throw refuse(`declares ${uncompressedSize} bytes in ${fileName}, more than the limit of ${MAX_ENTRY_BYTES}`);
  if (uncompressedSize > SMALL_ENTRY_BYTES && ratio > MAX_RATIO)
    throw refuse(`would make ${uncompressedSize} bytes of ${compressedSize} in ${fileName}: it was not unpacked`);
}

async function* contentOf(access: RandomAccess, entry: Entry): AsyncGenerator<Uint8Array> {
  assertBounded(entry);
  try {
    const zip = await openZip(access);
    if (!entry.canDecodeFileData())
      throw refuse(`holds ${entry.fileName} encrypted or in a compression that is not known`);
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
  } catch (error) {
    throw damaged(error);
  }
}

async function openZip(access: RandomAccess): Promise<ZipFile> {
  const { RandomAccessReader, fromRandomAccessReaderPromise } = await import("yauzl");
  class Reader extends RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      return Readable.from(pieces(access, start, end), { objectMode: false });
    }
  }
  return fromRandomAccessReaderPromise(new Reader(), access.size, { autoClose: false, validateEntrySizes: true });
}

async function* pieces(access: RandomAccess, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end;) {
    const bytes = await access.read(position, Math.min(PIECE, end - position));
    if (bytes.length === 0) throw refuse("ends before its content does");
    position += bytes.length;
    yield bytes;
  }
}
