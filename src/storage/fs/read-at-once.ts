/** Small files, read in one go without a turn of the event loop. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { DraftstateError } from "../../errors.js";
import { kindOf, refuse } from "./file-stat.js";
import { NO_FOLLOW, NON_BLOCK } from "./flags.js";

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
