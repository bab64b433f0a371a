/** A backup's bytes on disk: as they are, or compressed. Decompression is bounded before it begins. */
import { getBuiltinModule } from "node:process";
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import { DraftstateError, messageOf } from "../errors.js";
import { MAX_FILE_BYTES } from "../snapshot/size.js";
import type { Compression } from "./names.js";

export { MAX_FILE_BYTES };

type Codec = (bytes: Uint8Array, options: object) => Promise<Buffer>;

// Loaded with the first compressed backup: most processes see none.
const zlib = (): typeof import("node:zlib") => getBuiltinModule("node:zlib");
const stream = (): typeof import("node:stream") => getBuiltinModule("node:stream");

const gunzip: Codec = (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib().gunzip)(bytes, options);
const unbrotli: Codec = (bytes, options) =>
  promisify<Uint8Array, object, Buffer>(zlib().brotliDecompress)(bytes, options);

/** zstd is there from Node 22.15. */
function hasZstd(): boolean {
  return typeof Reflect.get(zlib(), "zstdCompress") === "function";
}

/** Throws `INVALID_CONFIG` where this Node.js cannot write it. */
export function assertCanCompress(compression: Compression): void {
  if (compression !== "zstd" || hasZstd()) return;
  throw new DraftstateError(
    "INVALID_CONFIG",
    "setting compression is zstd, which needs Node 22.15 or newer: choose gzip or brotli",
    { path: "compression" },
  );
}

const ZSTD_NEEDED = "it is compressed with zstd, which this Node.js cannot read: use Node 22.15 or newer";

function unzstd(): Codec {
  const found: unknown = Reflect.get(zlib(), "zstdDecompress");
  if (typeof found !== "function") throw new DraftstateError("CORRUPT", ZSTD_NEEDED);
  return promisify(
    found as (bytes: Uint8Array, options: object, callback: (error: Error | null, result: Buffer) => void) => void,
  );
}

function brotliQuality(): object {
  return { params: { [zlib().constants.BROTLI_PARAM_QUALITY]: 5 } };
}

/** The parts as they are compressed: neither all of the input nor all of the output is ever held. */
export function compressed(
  parts: Iterable<Uint8Array>,
  compression: Compression,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (compression === "none") return parts;
  const compressor = compressorOf(compression);
  // An error of the source ends the iteration below with it.
  stream().pipeline(stream().Readable.from(parts, { objectMode: false }), compressor, () => undefined);
  return compressor;
}

function compressorOf(compression: Exclude<Compression, "none">): Transform {
  switch (compression) {
    case "gzip":
      return zlib().createGzip();
    case "brotli":
      return zlib().createBrotliCompress(brotliQuality());
    case "zstd":
      return zstdStream("createZstdCompress");
  }
}

function decompressorOf(compression: Exclude<Compression, "none">): Transform {
  switch (compression) {
    case "gzip":
      return zlib().createGunzip();
    case "brotli":
      return zlib().createBrotliDecompress();
    case "zstd":
      return zstdStream("createZstdDecompress");
  }
}

function zstdStream(name: "createZstdCompress" | "createZstdDecompress"): Transform {
  const found: unknown = Reflect.get(zlib(), name);
  if (typeof found !== "function") throw new DraftstateError("CORRUPT", ZSTD_NEEDED);
  return (found as () => Transform)();
}

/** The last `length` bytes of what was compressed, without holding the rest. Throws `CORRUPT` for what is damaged or too large. */
export async function decompressEnd(
  bytes: Uint8Array,
  compression: Exclude<Compression, "none">,
  length: number,
): Promise<Uint8Array> {
  if (compression === "gzip") assertDeclaredSize(bytes);
  const decompressor = decompressorOf(compression);
  stream().pipeline(stream().Readable.from([bytes], { objectMode: false }), decompressor, () => undefined);
  let [end, size] = [Buffer.alloc(0), 0];
  try {
    for await (const part of decompressor as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_FILE_BYTES)
        throw new DraftstateError(
          "CORRUPT",
          `it would have more bytes when decompressed than the limit of ${MAX_FILE_BYTES}`,
        );
      end = Buffer.concat([end, part]).subarray(-length);
    }
  } catch (error) {
    throw undecompressed(error);
  }
  return end;
}

/** What a gzip file says of its content's size in its last four bytes (RFC 1952): a lie is found out later, the truth sooner. */
function assertDeclaredSize(bytes: Uint8Array): void {
  const declared = bytes.length < 4 ? 0 : Buffer.from(bytes.subarray(-4)).readUInt32LE();
  if (declared > MAX_FILE_BYTES)
    throw new DraftstateError(
      "CORRUPT",
      `it would have ${declared} bytes when decompressed, more than the limit of ${MAX_FILE_BYTES}`,
    );
}

/** Throws `CORRUPT` for what is damaged or would grow beyond MAX_FILE_BYTES. */
export async function decompress(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  const limit = { maxOutputLength: MAX_FILE_BYTES, chunkSize: 256 * 1024 };
  try {
    switch (compression) {
      case "none":
        return bytes;
      case "gzip":
        assertDeclaredSize(bytes);
        return await gunzip(bytes, limit);
      case "brotli":
        return await unbrotli(bytes, limit);
      case "zstd":
        return await unzstd()(bytes, limit);
    }
  } catch (error) {
    throw undecompressed(error);
  }
}

function undecompressed(error: unknown): DraftstateError {
  return error instanceof DraftstateError
    ? error
    : new DraftstateError("CORRUPT", `it cannot be decompressed (${messageOf(error)})`, { cause: error });
}
