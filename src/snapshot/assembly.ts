/**
 * A snapshot's bytes, put together once its pieces are known: texts that are yet to be encoded, and the bytes of list
 * entries that stood in an earlier snapshot, neighbours copied in one go. Entries never change, so they are known by identity.
 */
import type { Json } from "../model/json.js";

/** Part of a snapshot: where an entry stands in the newest one that holds it. */
interface Place {
  bytes: Buffer;
  start: number;
  end: number;
}

/** Bytes of an earlier snapshot, or a text and how many bytes it will have. */
type Piece = Place | { readonly text: string; readonly length: number };

/** Beyond it nothing is kept for the next snapshot, so that memory holds the state and one snapshot of it, not two. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const BETWEEN_ENTRIES = ",\n    ";

const places = new WeakMap<object, Place>();

/** An entry of a top-level list as it stands in the file: indented by four spaces. */
function encodeEntry(entry: object): string {
  return JSON.stringify({ a: [entry] }, null, 2).slice('{\n  "a": [\n    '.length, -"\n  ]\n}".length);
}

export class Assembly {
  readonly #pieces: Piece[] = [];
  readonly #entries: { readonly entry: object; readonly start: number; readonly end: number }[] = [];
  #length = 0;

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#pieces.push({ text, length });
    this.#length += length;
  }

  list(values: readonly Json[]): void {
    this.text("[\n    ");
    for (const [index, entry] of values.entries()) this.#entry(entry, index === 0 ? "" : BETWEEN_ENTRIES);
    this.text("\n  ]");
  }

  /** All of it, with so many bytes behind it that are not written. */
  finish(spare: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#length + spare);
    let position = 0;
    for (const piece of this.#pieces) {
      position += "text" in piece ? bytes.write(piece.text, position) : piece.bytes.copy(bytes, position, piece.start, piece.end);
    }
    if (bytes.length <= MAX_KEPT_BYTES) this.#remember(bytes);
    return bytes;
  }

  #entry(entry: Json, before: string): void {
    if (typeof entry !== "object" || entry === null) {
      this.text(before + JSON.stringify(entry));
      return;
    }
    const start = this.#length + before.length;
    const place = places.get(entry);
    if (place === undefined) this.text(before + encodeEntry(entry));
    else this.#copy(place, before);
    this.#entries.push({ entry, start, end: this.#length });
  }

  /** Neighbours in the earlier snapshot have the same text between them there: nothing else of a list is as short. */
  #copy(place: Place, before: string): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && "bytes" in last && last.bytes === place.bytes && last.end + before.length === place.start && before !== "") {
      this.#length += place.end - last.end;
      last.end = place.end;
      return;
    }
    if (before !== "") this.text(before);
    this.#pieces.push({ ...place });
    this.#length += place.end - place.start;
  }

  #remember(bytes: Buffer): void {
    for (const { entry, start, end } of this.#entries) {
      const place = places.get(entry);
      if (place === undefined) places.set(entry, { bytes, start, end });
      else Object.assign(place, { bytes, start, end });
    }
  }
}
