/**
 * A thread as its log tells it: which checkpoints there are, and where each value, checkpoint and write stands. Contents stay
 * in the log. Built by replay and continued by each record that became durable. Pure.
 */
import type { LinePlace } from "../journal/framing.js";
import type { CheckpointRecord, ThreadRecord, ValueRecord, WriteOfTask, WritesRecord } from "./record.js";
import { SortedIds } from "./sorted-ids.js";
import { Streams, type Partial } from "./streams.js";

/** Where a line is in a thread's log. */
export interface Place extends LinePlace {
  readonly segment: number;
}

export interface ValueEntry extends ValueRecord {
  readonly place: Place;
}

export interface CheckpointEntry extends CheckpointRecord {
  readonly place: Place;
}

/** A line that is still needed, as it is or as what has become of it. */
export type LiveLine =
  { readonly kind: "line"; readonly place: Place } | { readonly kind: "stream"; readonly partial: Partial };

/** One write; `at` is its position in its line. */
export interface WriteEntry extends WriteOfTask {
  readonly task: string;
  readonly path: string;
  readonly place: Place;
  readonly at: number;
}

interface Namespace {
  readonly ids: SortedIds;
  readonly checkpoints: Map<string, CheckpointEntry>;
  /** By checkpoint, then by task and idx. */
  readonly writes: Map<string, Map<string, WriteEntry>>;
}

const PASSING: ReadonlySet<ThreadRecord["kind"]> = new Set(["stream", "token", "drop"]);

export class ThreadIndex {
  readonly streams = new Streams();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #values = new Map<number, ValueEntry>();
  #lastNumber = 0;
  /** By segment, the bytes of lines about answers on their way, which are over one day. */
  readonly #passing = new Map<number, number>();

  apply(record: ThreadRecord, place: Place): void {
    if (PASSING.has(record.kind)) this.#passing.set(place.segment, this.passingIn(place.segment) + place.length);
    switch (record.kind) {
      case "value":
        this.used(record.number);
        this.#values.set(record.number, { ...record, place });
        break;
      case "checkpoint":
        this.#addCheckpoint({ ...record, place });
        break;
      case "writes":
        this.#addWrites(record, place);
        break;
      case "stream":
        this.used(record.number);
        this.streams.begin(record);
        break;
      case "token":
        this.streams.add(record);
        break;
      case "drop":
        this.streams.drop(record);
        break;
      case "end":
        break;
    }
  }

  /** Bytes of a segment that no checkpoint needs: of what was written of answers while they streamed. */
  passingIn(segment: number): number {
    return this.#passing.get(segment) ?? 0;
  }

  /** A number that no value or stream of the thread has had. */
  nextNumber(): number {
    return (this.#lastNumber += 1);
  }

  /** The highest number that was used. */
  get numbers(): number {
    return this.#lastNumber;
  }

  used(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  get isEmpty(): boolean {
    return this.#namespaces.size === 0 && this.streams.partials.length === 0;
  }

  /** In the order in which they began. */
  get namespaces(): string[] {
    return [...this.#namespaces.keys()];
  }

  /** Of all namespaces, or of one; newest id first. */
  checkpoints(ns?: string): CheckpointEntry[] {
    const names = ns === undefined ? this.namespaces : [ns];
    const lists = names.map((name) => this.#of(name));
    if (lists.length === 1) return lists[0] ?? [];
    return lists.flat().sort((left, right) => (left.id < right.id ? 1 : left.id > right.id ? -1 : 0));
  }

  #of(ns: string): CheckpointEntry[] {
    const namespace = this.#namespaces.get(ns);
    if (namespace === undefined) return [];
    return namespace.ids.descending().flatMap((id) => namespace.checkpoints.get(id) ?? []);
  }

  checkpoint(ns: string, id: string): CheckpointEntry | undefined {
    return this.#namespaces.get(ns)?.checkpoints.get(id);
  }

  /** The one with the highest id. */
  latest(ns: string): CheckpointEntry | undefined {
    const id = this.#namespaces.get(ns)?.ids.last;
    return id === undefined ? undefined : this.checkpoint(ns, id);
  }

  /** In the order in which they were written. */
  writesOf(ns: string, checkpoint: string): WriteEntry[] {
    return [...(this.#namespaces.get(ns)?.writes.get(checkpoint)?.values() ?? [])];
  }

  value(number: number): ValueEntry | undefined {
    return this.#values.get(number);
  }

  get values(): Iterable<ValueEntry> {
    return this.#values.values();
  }

  /** The newest value that a channel was given under this version. */
  valueAt(ns: string, channel: string, version: string | number): ValueEntry | undefined {
    let found: ValueEntry | undefined;
    for (const value of this.#values.values())
      if (value.channel === channel && value.version === version && value.ns === ns) found = value;
    return found;
  }

  /** The value and, of a list that grew, those it grew from; the oldest first. Undefined where one is missing. */
  chainOf(number: number): ValueEntry[] | undefined {
    const chain: ValueEntry[] = [];
    for (let next: number | undefined = number; next !== undefined;) {
      const value = this.#values.get(next);
      // A list is only ever added to an earlier one, so this ends.
      if (value === undefined || (value.of !== undefined && value.of >= value.number)) return undefined;
      chain.push(value);
      next = value.of;
    }
    return chain.reverse();
  }

  /** Checkpoints of which a value is missing. */
  get incomplete(): CheckpointEntry[] {
    return this.checkpoints().filter(({ values }) =>
      [...values.values()].some((number) => this.chainOf(number) === undefined),
    );
  }

  /** What these segments hold and is still needed, in the order of the log; then the answers under way, each as far as it came. */
  liveIn(segments: ReadonlySet<number>): LiveLine[] {
    const places = new Set<Place>();
    const add = ({ place }: { readonly place: Place }): void => {
      if (segments.has(place.segment)) places.add(place);
    };
    for (const value of this.#values.values()) add(value);
    for (const { checkpoints, writes } of this.#namespaces.values()) {
      for (const checkpoint of checkpoints.values()) add(checkpoint);
      for (const known of writes.values()) for (const write of known.values()) add(write);
    }
    return [
      ...inOrder(places).map((place) => ({ kind: "line", place }) as const),
      ...this.streams.partials.map((partial) => ({ kind: "stream", partial }) as const),
    ];
  }

  /** What is left with these checkpoints alone: their values and writes, and the answers under way. */
  withOnly(kept: readonly CheckpointEntry[]): LiveLine[] {
    const places = new Set<Place>();
    for (const { ns, id, values, place } of kept) {
      places.add(place);
      for (const number of values.values()) for (const value of this.chainOf(number) ?? []) places.add(value.place);
      for (const write of this.writesOf(ns, id)) places.add(write.place);
    }
    // Writes of a checkpoint that is still to come.
    for (const [ns, { checkpoints, writes }] of this.#namespaces)
      for (const id of writes.keys())
        if (!checkpoints.has(id)) for (const write of this.writesOf(ns, id)) places.add(write.place);
    return [
      ...inOrder(places).map((place) => ({ kind: "line", place }) as const),
      ...this.streams.partials.map((partial) => ({ kind: "stream", partial }) as const),
    ];
  }

  /** Those of the checkpoints that another index of the thread lacks, their writes, and values that it lacks. */
  notIn(other: ThreadIndex, checkpoints: readonly CheckpointEntry[] = this.checkpoints()): Place[] {
    const places = new Set<Place>();
    for (const { ns, id, values, place } of checkpoints) {
      if (other.checkpoint(ns, id) !== undefined) continue;
      places.add(place);
      for (const number of values.values())
        for (const value of this.chainOf(number) ?? [])
          if (other.value(value.number) === undefined) places.add(value.place);
      for (const write of this.writesOf(ns, id)) places.add(write.place);
    }
    return inOrder(places);
  }

  /** Lines were copied to another place. */
  relocate(moved: ReadonlyMap<Place, Place>): void {
    if (moved.size === 0) return;
    const relocateIn = <K, E extends { readonly place: Place }>(entries: Map<K, E>): void => {
      for (const [key, entry] of entries) {
        const place = moved.get(entry.place);
        if (place !== undefined) entries.set(key, { ...entry, place });
      }
    };
    relocateIn(this.#values);
    for (const { checkpoints, writes } of this.#namespaces.values()) {
      relocateIn(checkpoints);
      for (const known of writes.values()) relocateIn(known);
    }
  }

  #addCheckpoint(entry: CheckpointEntry): void {
    const { ids, checkpoints } = this.#namespace(entry.ns);
    ids.add(entry.id);
    checkpoints.set(entry.id, entry);
    this.streams.drop({ streams: entry.drops });
  }

  #addWrites({ ns, checkpoint, task, path, writes }: WritesRecord, place: Place): void {
    const byCheckpoint = this.#namespace(ns).writes;
    const known = byCheckpoint.get(checkpoint) ?? new Map<string, WriteEntry>();
    byCheckpoint.set(checkpoint, known);
    for (const [at, { idx, channel }] of writes.entries()) {
      const key = JSON.stringify([task, idx]);
      // The first write of a channel stands; of an error or interrupt, the last.
      if (idx >= 0 && known.has(key)) continue;
      known.set(key, { task, path, idx, channel, place, at });
    }
    if (writes.some(({ idx }) => idx >= 0)) this.streams.written(task);
  }

  #namespace(ns: string): Namespace {
    const known = this.#namespaces.get(ns) ?? { ids: new SortedIds(), checkpoints: new Map(), writes: new Map() };
    this.#namespaces.set(ns, known);
    return known;
  }
}

function inOrder(places: Iterable<Place>): Place[] {
  return [...places].sort((left, right) => left.segment - right.segment || left.start - right.start);
}
