/** A backup's bytes on disk: as they are, or compressed. Decompression is bounded before it begins. */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { DraftstateError, messageOf } from "../errors.js";
import { MAX_FILE_BYTES } from "../snapshot/size.js";
import type { Compression } from "./names.js";

export { MAX_FILE_BYTES };

type Codec = (bytes: Uint8Array, options: object) => Promise<Buffer>;

// Nothing of zlib is touched before it is used: a bundle loads it then.
const gzip: Codec = (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib.gzip)(bytes, options);
const gunzip: Codec = (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib.gunzip)(bytes, options);
const brotli: Codec = (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib.brotliCompress)(bytes, options);
const unbrotli: Codec = (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib.brotliDecompress)(bytes, options);

/** zstd is there from Node 22.15. */
function hasZstd(): boolean {
  return typeof Reflect.get(zlib, "zstdCompress") === "function";
}

/** Throws `INVALID_CONFIG` where this Node.js cannot write it. */
export function assertCanCompress(compression: Compression): void {
  if (compression !== "zstd" || hasZstd()) return;
  throw new DraftstateError("INVALID_CONFIG", "setting compression is zstd, which needs Node 22.15 or newer: choose gzip or brotli", { path: "compression" });
}

function zstdCodec(name: "zstdCompress" | "zstdDecompress"): Codec {
  const found: unknown = Reflect.get(zlib, name);
  if (typeof found !== "function") throw new DraftstateError("CORRUPT", "it is compressed with zstd, which this Node.js cannot read: use Node 22.15 or newer");
  return promisify(found as (bytes: Uint8Array, options: object, callback: (error: Error | null, result: Buffer) => void) => void);
}

function brotliQuality(): object {
  return { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } };
}

export async function compress(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  switch (compression) {
    case "none": return bytes;
    case "gzip": return gzip(bytes, {});
    case "brotli": return brotli(bytes, brotliQuality());
    case "zstd": return zstdCodec("zstdCompress")(bytes, {});
  }
}

/** What a gzip file says of its content's size in its last four bytes (RFC 1952): a lie is found out later, the truth sooner. */
function assertDeclaredSize(bytes: Uint8Array): void {
  const declared = bytes.length < 4 ? 0 : Buffer.from(bytes.subarray(-4)).readUInt32LE();
  if (declared > MAX_FILE_BYTES) throw new DraftstateError("CORRUPT", `it would have ${declared} bytes when decompressed, more than the limit of ${MAX_FILE_BYTES}`);
}

/** Throws `CORRUPT` for what is damaged or would grow beyond MAX_FILE_BYTES. */
export async function decompress(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  const limit = { maxOutputLength: MAX_FILE_BYTES, chunkSize: 256 * 1024 };
  try {
    switch (compression) {
      case "none": return bytes;
      case "gzip":
        assertDeclaredSize(bytes);
        return await gunzip(bytes, limit);
      case "brotli": return await unbrotli(bytes, limit);
      case "zstd": return await zstdCodec("zstdDecompress")(bytes, limit);
    }
  } catch (error) {
    if (error instanceof DraftstateError) throw error;
    throw new DraftstateError("CORRUPT", `it cannot be decompressed (${messageOf(error)})`, { cause: error });
  }
}
