/**
 * The elements of a JSON array, as the bytes of it arrive: each by itself, so that an export of any size takes the memory of
 * its largest conversation. An element that is damaged is an element all the same. Pure.
 */
import { refuse } from "../imported.js";

const [QUOTE, BACKSLASH, COMMA, OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [
  0x22, 0x5c, 0x2c, 0x7b, 0x5b, 0x7d, 0x5d,
];

/** Bytes of whitespace. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export interface Element {
  /** From 0. */
  readonly index: number;
  readonly bytes: Uint8Array;
  /** The file ends before the list does. */
  readonly isCut: boolean;
}

export type ArrayEnd = "closed" | "cut off" | "followed by more";

export class ArrayElements {
  readonly #maxBytes: number;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isClosed = false;
  #hasMore = false;
  #count = 0;
  /** Pieces of the element that is not whole yet. */
  #pieces: Uint8Array[] = [];
  #size = 0;

  /** The bytes begin behind the array's bracket. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(bytes: Uint8Array): Generator<Element> {
    let start = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      if (this.#isInString) {
        index = this.#throughString(bytes, index);
        continue;
      }
      const byte = bytes[index] ?? 0;
      if (this.#isClosed) {
        this.#hasMore ||= !isBlank(byte);
        continue;
      }
      if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
      else if (this.#depth > 0 && (byte === CLOSE_OBJECT || byte === CLOSE_LIST)) this.#depth -= 1;
      else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) {
        this.#keep(bytes.subarray(start, index));
        yield* this.#take(byte === COMMA, false);
        start = index + 1;
        this.#isClosed = byte === CLOSE_LIST;
      }
    }
    if (!this.#isClosed) this.#keep(bytes.subarray(start));
  }

  /** Where the file ends in the middle of an element, that is the last; `ending` says how the list ended. */
  *end(): Generator<Element> {
    yield* this.#take(false, true);
  }

  get ending(): ArrayEnd {
    if (!this.#isClosed) return "cut off";
    return this.#hasMore ? "followed by more" : "closed";
  }

  /** The index of the string's last byte here. */
  #throughString(bytes: Uint8Array, from: number): number {
    for (let index = from; index < bytes.length; index += 1) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (bytes[index] === BACKSLASH) this.#isEscaped = true;
      else if (bytes[index] === QUOTE) {
        this.#isInString = false;
        return index;
      }
    }
    return bytes.length;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size > this.#maxBytes)
      throw refuse(`[${this.#count}]`, `has more than the limit of ${this.#maxBytes} bytes`);
  }

  /** Nothing at all is an element only where a comma says so. */
  *#take(isFollowed: boolean, isCut: boolean): Generator<Element> {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    if (bytes === undefined || (!isFollowed && bytes.every(isBlank))) return;
    yield { index: this.#count, bytes, isCut };
    this.#count += 1;
  }
}
