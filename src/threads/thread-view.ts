/** A thread as one look found it: its index, and what its values, checkpoints and writes hold, read when it is asked for. */
import { joinLists } from "../checkpoints/grown-list.js";
import { JSON_TYPE, type Payload } from "../checkpoints/payload.js";
import { dataOfCheckpoint, dataOfValue, dataOfWrites } from "../checkpoints/record.js";
import type { CheckpointEntry, ThreadIndex, ValueEntry, WriteEntry } from "../checkpoints/thread-index.js";
import { DraftstateError } from "../errors.js";
import type { PayloadCache } from "./payload-cache.js";
import type { LineReader } from "./segment-files.js";
import type { Line } from "./thread-log.js";

export interface CheckpointData {
  readonly state: Payload;
  readonly metadata: Payload;
}

export class ThreadView {
  constructor(
    readonly threadId: string,
    readonly index: ThreadIndex,
    private readonly reader: LineReader,
    private readonly cache: PayloadCache,
    /** Of this look: no other thread, and no earlier content of this one, has it. */
    private readonly name: string,
  ) {}

  /** What a line that was just written holds is at hand. */
  wrote({ record, payloads }: Line, segment: number, start: number): void {
    if (payloads === undefined) return;
    if (record.kind === "value") this.cache.set(this.#valueKey(record.number), payloads);
    if (record.kind === "checkpoint") this.cache.set(this.#checkpointKey(record), payloads);
    if (record.kind === "writes") this.cache.set(this.#lineKey(segment, start), payloads);
  }

  /** Throws `CORRUPT` where it is missing. */
  async value(number: number): Promise<Payload> {
    const key = this.#valueKey(number);
    const known = this.cache.get(key)?.[0];
    if (known !== undefined) return known;
    const payload = await this.#read(number);
    this.cache.set(key, [payload]);
    return payload;
  }

  /** Undefined where it would have to be read. */
  knownValue(number: number): Payload | undefined {
    return this.cache.get(this.#valueKey(number))?.[0];
  }

  async checkpoint(entry: CheckpointEntry): Promise<CheckpointData> {
    const key = this.#checkpointKey(entry);
    const [state, metadata] = this.cache.get(key) ?? [];
    if (state !== undefined && metadata !== undefined) return { state, metadata };
    const data = dataOfCheckpoint(await this.reader.line(entry.place));
    this.cache.set(key, [data.state, data.metadata]);
    return data;
  }

  async write({ place, at }: WriteEntry): Promise<Payload> {
    const key = this.#lineKey(place.segment, place.start);
    const known = this.cache.get(key) ?? dataOfWrites(await this.reader.line(place));
    this.cache.set(key, known);
    const payload = known[at];
    if (payload === undefined) throw new RangeError("a write without its value");
    return payload;
  }

  async #read(number: number): Promise<Payload> {
    const chain = this.index.chainOf(number);
    if (chain === undefined)
      throw new DraftstateError("CORRUPT", `thread ${this.threadId} has lost a channel's value (number ${number})`);
    const parts = await Promise.all(chain.map((entry) => this.#part(entry)));
    const [first] = parts;
    if (first === undefined) throw new RangeError("a chain of no values");
    return parts.length === 1 ? first : { type: JSON_TYPE, bytes: joinLists(parts.map(({ bytes }) => bytes)) };
  }

  async #part({ place }: ValueEntry): Promise<Payload> {
    return dataOfValue(await this.reader.line(place));
  }

  #valueKey(number: number): string {
    return `${this.name}v${number}`;
  }

  #checkpointKey({ ns, id }: { readonly ns: string; readonly id: string }): string {
    return `${this.name}c${ns}\0${id}`;
  }

  #lineKey(segment: number, start: number): string {
    return `${this.name}l${segment}:${start}`;
  }
}
