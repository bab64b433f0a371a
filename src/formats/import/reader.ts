/**
 * The bytes of any file that can be imported, as they arrive → the conversations in it, each as soon as it is whole, and what
 * could not be read. A list of conversations takes the memory of its largest; every other file is held as a whole. Pure.
 */
import { MAX_FILE_BYTES } from "../../snapshot/size.js";
import { assertNotUtf16 } from "./text/parse.js";
import { ArrayReader } from "./array-reader.js";
import { readDocument } from "./document-reader.js";
import { refuse, type Fault, type ImportItem, type ImportOptions } from "./imported.js";

/** Bytes that tell a list, or an object that holds a list of conversations, from anything else. */
const HEAD_BYTES = 256;
/** Byte order mark, whitespace and NULs may stand before it. */
const LIST = /^(?:\xef\xbb\xbf)?[\s\0]*(\[|\{\s*"conversations"\s*:\s*\[)/;
const BLANK = /^(?:\xef\xbb\xbf)?[\s\0]*$/;

export class ImportReader {
  readonly #options: ImportOptions;
  #array: ArrayReader | undefined;
  #isDocument = false;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #failures: Fault[] = [];
  #found = 0;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Throws `CORRUPT` for what no part can be read of. */
  *push(bytes: Uint8Array): Generator<ImportItem> {
    if (this.#array === undefined) {
      this.#hold(bytes);
      if (!this.#isDocument && this.#size >= HEAD_BYTES) yield* this.#decide();
    } else yield* this.#count(this.#array.push(bytes));
  }

  /** Throws the first fault where nothing could be read. */
  *end(): Generator<ImportItem> {
    if (this.#array === undefined && !this.#isDocument) yield* this.#decide();
    if (this.#array !== undefined) yield* this.#count(this.#array.end());
    else yield* this.#count(readDocument(Buffer.concat(this.#pieces), this.#options));
    const [first] = this.#failures;
    if (this.#found === 0 && first !== undefined) throw refuse(first.place, first.found);
  }

  *#count(items: Iterable<ImportItem>): Generator<ImportItem> {
    for (const item of items) {
      if (item.kind === "conversation") this.#found += 1;
      else if (this.#failures.length === 0) this.#failures.push(item.fault);
      yield item;
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size > MAX_FILE_BYTES) throw refuse("", `has more than the limit of ${MAX_FILE_BYTES} bytes`);
  }

  *#decide(): Generator<ImportItem> {
    const head = Buffer.concat(this.#pieces);
    assertNotUtf16(head);
    const text = head.toString("latin1");
    const list = LIST.exec(text.slice(0, HEAD_BYTES));
    if (list === null) {
      // Blank so far: it may still begin with anything.
      this.#isDocument = !BLANK.test(text) || this.#size > MAX_FILE_BYTES / 2;
      return;
    }
    this.#array = new ArrayReader(list[1] === "[" ? "" : "conversations", this.#options);
    this.#pieces = [];
    yield* this.#count(this.#array.push(head.subarray(list[0].length)));
  }
}
