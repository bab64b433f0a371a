/**
 * The checksum of a snapshot: SHA-256 over the file's bytes without the 64 digits themselves, so that it is
 * checked without parsing, and by hand: remove the digits, pipe the file to sha256sum.
 */
import type { Hash } from "node:crypto";
import { getBuiltinModule } from "node:process";

const FIELD = Buffer.from('"checksum": "sha256:');
/** In hexadecimal. */
export const DIGITS = 64;

/** Node's crypto takes 2 ms to load, and listing needs none of it. */
function sha256(): Hash {
  return getBuiltinModule("node:crypto").createHash("sha256");
}

/** Where the digits are, or would be: behind the last such field. Quotes inside a text are escaped, so no text can pose as it. */
function positionOf(bytes: Buffer): number | undefined {
  const found = bytes.lastIndexOf(FIELD);
  return found === -1 ? undefined : found + FIELD.length;
}

/** Seals a file that is made in parts, with an empty checksum in the last: the others are given to `update` in their order. */
export class Seal {
  readonly #hash = sha256();

  update(part: Uint8Array): void {
    this.#hash.update(part);
  }

  /** The last part with its digits. */
  close(last: Buffer): Buffer {
    const position = positionOf(last);
    if (position === undefined) throw new RangeError("a snapshot without a checksum field cannot be sealed");
    const [before, after] = [last.subarray(0, position), last.subarray(position)];
    const digits = this.#hash.update(before).update(after).digest("hex");
    return Buffer.concat([before, Buffer.from(digits, "latin1"), after]);
  }
}

/** Writes the digits into a file that was encoded with an empty checksum. */
export function seal(unsealed: Buffer): Buffer {
  return new Seal().close(unsealed);
}

export function verifySeal(bytes: Buffer): "valid" | "differs" | "absent" {
  const position = positionOf(bytes);
  if (position === undefined) return "absent";
  const written = bytes.toString("latin1", position, position + DIGITS);
  const digits = sha256()
    .update(bytes.subarray(0, position))
    .update(bytes.subarray(position + DIGITS))
    .digest("hex");
  return written === digits ? "valid" : "differs";
}

/** In hexadecimal, for names that are made of a text. */
export function digestOf(text: string): string {
  return sha256().update(text).digest("hex");
}
