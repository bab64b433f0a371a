/** One limit of size for reading and writing: what could not be read back is never written. */
import { DraftstateError } from "../errors.js";

/** Largest snapshot, journal or decompressed backup: what a string of this runtime can hold, with room. */
export const MAX_FILE_BYTES = 400 * 1024 * 1024;

/** Largest text of one answer, in bytes of JSON: more than any model can mean to say. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export interface SizeLimits {
  readonly fileBytes: number;
  readonly answerBytes: number;
}

export const SIZE_LIMITS: SizeLimits = { fileBytes: MAX_FILE_BYTES, answerBytes: MAX_ANSWER_BYTES };

export function tooLarge(maxBytes: number, cause?: unknown): DraftstateError {
  return new DraftstateError(
    "INVALID_STATE",
    `the state makes a file larger than ${maxBytes} bytes, which could not be read back; nothing was saved`,
    { cause },
  );
}

/** V8's own limit, of a text that is longer than any file may be. */
export function isTooLongText(error: unknown): boolean {
  return error instanceof RangeError && error.message === "Invalid string length";
}
