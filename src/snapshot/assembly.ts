/**
 * A snapshot's bytes in parts: texts that are encoded here, and list entries that stood in an earlier snapshot, whose bytes
 * are taken from it as they are, neighbours in one part. Entries never change, so they are known by identity.
 */
import type { Json } from "../model/json.js";

/** Where the bytes of an entry are. */
interface Place {
  bytes: Buffer;
  start: number;
  end: number;
}

/** How many bytes of a snapshot are kept for the next one: a large conversation is not held twice. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Less than this is copied: a part costs a call of the system. */
const MIN_TAKEN_BYTES = 16 * 1024;
const FIRST_CHUNK_BYTES = 8 * 1024;
const MAX_CHUNK_BYTES = 1024 * 1024;
/** UTF-8, of a UTF-16 unit. */
const MAX_BYTES_A_UNIT = 3;

const places = new WeakMap<object, Place>();

/** An entry of a top-level list as it stands in the file: indented by four spaces. */
function encodeEntry(entry: object): string {
  return JSON.stringify({ a: [entry] }, null, 2).slice('{\n  "a": [\n    '.length, -"\n  ]\n}".length);
}

export class Assembly {
  #ready: Buffer[] = [];
  #chunk = Buffer.alloc(0);
  /** What of the chunk is filled and not yet ready begins and ends here. */
  #start = 0;
  #end = 0;
  #length = 0;
  /** Neighbours of an earlier snapshot, and where each began there: another that is made meanwhile may move them. */
  #taken:
    | {
        readonly run: Place;
        readonly entries: { readonly place: Place; readonly start: number; readonly end: number }[];
      }
    | undefined;

  text(text: string): void {
    this.#endTaken();
    this.#encode(text);
  }

  /** An entry of a list, and the text before it. */
  entry(entry: Json, before: string): void {
    if (typeof entry !== "object" || entry === null) {
      this.text(before + JSON.stringify(entry));
      return;
    }
    const place = places.get(entry);
    if (place !== undefined) {
      this.#take(place, before);
      return;
    }
    this.text(before);
    const encoded = this.#encode(encodeEntry(entry));
    if (this.#length <= MAX_KEPT_BYTES) places.set(entry, encoded);
  }

  /** All that was given is ready then. */
  end(): void {
    this.#endTaken();
    this.#endFilled();
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** The parts that are ready, once; their bytes are not to be changed. */
  takeReady(): readonly Buffer[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Neighbours have the same text between them in each snapshot: nothing else of a list is as short. */
  #take(place: Place, before: string): void {
    const run = this.#taken?.run;
    if (run !== undefined && run.bytes === place.bytes && run.end + before.length === place.start && before !== "") {
      // Only a run that is short yet can come to be copied.
      if (run.end - run.start < MIN_TAKEN_BYTES)
        this.#taken?.entries.push({ place, start: place.start, end: place.end });
      run.end = place.end;
      return;
    }
    this.text(before);
    this.#taken = { run: { ...place }, entries: [{ place, start: place.start, end: place.end }] };
  }

  /** Few neighbours are copied, and stand beside what comes next from then on: so parts do not become ever smaller. */
  #endTaken(): void {
    if (this.#taken === undefined) return;
    const { run, entries } = this.#taken;
    this.#taken = undefined;
    const length = run.end - run.start;
    if (length >= MIN_TAKEN_BYTES) {
      this.#endFilled();
      this.#ready.push(run.bytes.subarray(run.start, run.end));
      this.#length += length;
      return;
    }
    this.#makeRoom(length);
    const moved = this.#end - run.start;
    run.bytes.copy(this.#chunk, this.#end, run.start, run.end);
    this.#filled(length);
    for (const { place, start, end } of entries)
      Object.assign(place, { bytes: this.#chunk, start: start + moved, end: end + moved });
  }

  #encode(text: string): Place {
    if (text.length * MAX_BYTES_A_UNIT > this.#chunk.length - this.#end) this.#makeRoom(Buffer.byteLength(text));
    const start = this.#end;
    this.#filled(this.#chunk.write(text, start));
    return { bytes: this.#chunk, start, end: this.#end };
  }

  #filled(length: number): void {
    this.#end += length;
    this.#length += length;
  }

  #makeRoom(length: number): void {
    if (length <= this.#chunk.length - this.#end) return;
    this.#endFilled();
    // Not from Node's pool: an entry that is kept would hold what others have there.
    this.#chunk = Buffer.allocUnsafeSlow(
      Math.max(length, FIRST_CHUNK_BYTES, Math.min(2 * this.#chunk.length, MAX_CHUNK_BYTES)),
    );
    this.#start = 0;
    this.#end = 0;
  }

  #endFilled(): void {
    if (this.#end > this.#start) this.#ready.push(this.#chunk.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
