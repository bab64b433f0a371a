/** The files of one thread's log, read: all of them for a replay, single lines of them afterwards. */
import { DraftstateError } from "../errors.js";
import { bufferOf, damageOf } from "../journal/framing.js";
import {
  isTombstone,
  planSegments,
  scanSegment,
  type ScannedSegment,
  type SegmentPlan,
} from "../checkpoints/segments.js";
import { summaryAtEnd } from "../checkpoints/summary.js";
import { ThreadIndex, type Place } from "../checkpoints/thread-index.js";
import type { ThreadHeader } from "../checkpoints/record.js";
import type { Storage, WrittenLog } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { newerVersion } from "../store/newer.js";
import { parseSegmentName, segmentKey, segmentPrefix, threadName } from "../store/names.js";
import type { ThreadRecordInTrash } from "../store/thread-record.js";
import { changeThatTook } from "./thread-trash.js";

/** A file of the log, and how many of its bytes count. */
export interface Segment {
  readonly number: number;
  readonly bytes: number;
}

/** What a replay of the log found. */
export interface LoadedThread {
  readonly index: ThreadIndex;
  readonly threadId: string;
  readonly createdAt: string;
  /** The oldest first. */
  readonly segments: readonly Segment[];
  /** Files that a later one took the place of. */
  readonly replaced: readonly number[];
  readonly torn: Extract<SegmentPlan, { kind: "usable" }>["torn"];
  /** Whether all of the last segment is durable. */
  readonly isEnded: boolean;
  /** Of the last segment: the same while nothing was written. */
  readonly version: string | undefined;
}

/** A segment went while it was read: a writer folded or removed it. */
export class SegmentGone extends Error {}

/** At the end of a log; a longer one is not looked for. */
export const SUMMARY_BYTES = 4096;

const READ_ATTEMPTS = 8;

export async function segmentNumbers(storage: Storage, thread: string): Promise<number[]> {
  const names = await storage.list("state", { prefix: segmentPrefix(thread) });
  return names.flatMap((name) => {
    const parsed = parseSegmentName(name);
    return parsed?.thread === thread ? [parsed.segment] : [];
  });
}

/** What a segment with this header follows: undefined for one that takes the place of the whole log. */
export function segmentBefore(thread: string, { after }: ThreadHeader): WrittenLog | undefined {
  return after === undefined ? undefined : { key: segmentKey(thread, after.segment), bytes: after.bytes };
}

/** The thread's id, as the first file says whose header can be read: for a name that does not spell it out. */
export async function idInFiles(storage: Storage, thread: string): Promise<string | undefined> {
  for (const number of await segmentNumbers(storage, thread)) {
    const end = await storage.readEnd(segmentKey(thread, number), SUMMARY_BYTES);
    const told = end === undefined ? undefined : summaryAtEnd(end.bytes, end.size)?.threadId;
    if (told !== undefined && threadName(told) === thread) return told;
    const bytes = await storage.read(segmentKey(thread, number), { maxBytes: MAX_FILE_BYTES });
    const header = bytes === undefined ? undefined : scanSegment(number, bytes).header;
    if (header !== undefined && threadName(header.threadId) === thread) return header.threadId;
  }
  return undefined;
}

/** No segment: `bare` where no file of the thread is left, not even by a removal that was cut off. */
export type NoThread = "bare" | "removed";

/** Undefined if there is none. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`. */
export async function loadThread(
  storage: Storage,
  thread: string,
  threadId?: string,
): Promise<LoadedThread | undefined> {
  const found = await findThread(storage, thread, threadId);
  return typeof found === "string" ? undefined : found;
}

export async function findThread(
  storage: Storage,
  thread: string,
  threadId?: string,
): Promise<LoadedThread | NoThread> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await readSegments(storage, thread);
    // A writer folded some of them meanwhile.
    if ((found === "changed" || isEarly(found)) && attempt < READ_ATTEMPTS) continue;
    if (found === "changed")
      throw new DraftstateError(
        "STORAGE",
        `thread ${thread} changed at each of ${READ_ATTEMPTS} attempts to read it: try again`,
      );
    const loaded = replayed(storage, thread, found, threadId);
    if (!(loaded instanceof DraftstateError)) return loaded ?? "bare";
    // A removal that was cut off leaves a thread without its beginning: it is gone.
    if ((await removalOf(storage, thread, found.scanned)) !== undefined) return "removed";
    throw loaded;
  }
}

/** The removal that took the rest of these segments, and was cut off before it took them too. */
async function removalOf(
  storage: Storage,
  thread: string,
  left: readonly ScannedSegment[],
): Promise<ThreadRecordInTrash | undefined> {
  const records = await Promise.all(
    left.map(({ number, header }) => changeThatTook(storage, thread, number, header?.createdAt ?? "")),
  );
  const [first] = records;
  return first?.kind === "delete" && records.every((record) => record?.stamp === first.stamp) ? first : undefined;
}

/** A removal that was cut off, with the segments that it left; undefined if there is none. */
export async function unfinishedRemoval(storage: Storage, thread: string): Promise<ThreadRecordInTrash | undefined> {
  const found = await readSegments(storage, thread);
  if (found === "changed" || found.scanned.length === 0) return undefined;
  const record = await removalOf(storage, thread, found.scanned);
  return record === undefined ? undefined : { ...record, segments: found.scanned.map(({ number }) => number) };
}

interface FoundSegments {
  readonly scanned: readonly ScannedSegment[];
  readonly version: string | undefined;
}

async function readSegments(storage: Storage, thread: string): Promise<FoundSegments | "changed"> {
  const numbers = await numbersSeenSafely(storage, thread);
  if (numbers.length === 0) return { scanned: [], version: undefined };
  const last = Math.max(...numbers);
  // Before its content: what is appended meanwhile is read again by the next look.
  const version = (await storage.stat(segmentKey(thread, last)))?.version;
  const scanned: ScannedSegment[] = [];
  for (const number of numbers) {
    const bytes = await storage.read(segmentKey(thread, number), { maxBytes: MAX_FILE_BYTES });
    if (bytes === undefined) return "changed";
    scanned.push(scanSegment(number, bytes));
  }
  // A listing may miss a name that came while it ran, and one that it took the place of.
  const isPast = (await storage.stat(segmentKey(thread, last + 1))) !== undefined;
  return isPast ? "changed" : { scanned, version };
}

/** A listing that saw what was folded, and not what took its place. */
function isEarly({ scanned }: FoundSegments): boolean {
  const last = Math.max(...scanned.map(({ number }) => number));
  return scanned.some((segment) => segment.number === last && isTombstone(segment));
}

async function numbersSeenSafely(storage: Storage, thread: string): Promise<number[]> {
  const numbers = await segmentNumbers(storage, thread);
  return numbers.length === 0 ? segmentNumbers(storage, thread) : numbers;
}

function replayed(
  storage: Storage,
  thread: string,
  { scanned, version }: FoundSegments,
  threadId: string | undefined,
): LoadedThread | DraftstateError | undefined {
  const plan = planSegments(scanned, threadId);
  if (plan.kind === "absent") return undefined;
  const path = (segment: number): string => storage.describe(segmentKey(thread, segment));
  if (plan.kind === "newer") throw newerVersion(path(plan.problem.segment), plan.problem.detail);
  if (plan.kind === "damaged")
    return new DraftstateError(
      "CORRUPT",
      `${path(plan.problem.segment)} is damaged: ${plan.problem.detail}; nothing was changed: repair the thread (saver.repair), which keeps what can be read`,
      { path: path(plan.problem.segment) },
    );
  const header = plan.segments.at(-1)?.scanned.header;
  const index = new ThreadIndex();
  index.used(header?.numbers ?? 0);
  for (const { scanned: segment, bytes } of plan.segments)
    for (const { record, place } of segment.lines)
      if (place.start < bytes) index.apply(record, { ...place, segment: segment.number });
  return {
    index,
    threadId: header?.threadId ?? "",
    createdAt: header?.createdAt ?? "",
    segments: plan.segments.map(({ scanned: segment, bytes }) => ({ number: segment.number, bytes })),
    replaced: plan.replaced,
    torn: plan.torn,
    isEnded: plan.torn === undefined && plan.segments.at(-1)?.scanned.wasEnded === true,
    version,
  };
}

const CACHED_SEGMENTS = 3;

export interface LineReader {
  /** With its newline. */
  line(place: Place): Promise<Uint8Array>;
}

/** Single lines, by their place. Segments only grow, so what was read of one stays true. */
export class SegmentReader implements LineReader {
  readonly #segments = new Map<number, Uint8Array>();
  /** Lines are asked for together: a segment is read once for all of them. */
  readonly #reading = new Map<number, Promise<Uint8Array>>();

  constructor(
    private readonly storage: Storage,
    private readonly thread: string,
  ) {}

  /** With its newline. Throws `SegmentGone`, and `CORRUPT` where it is not what it was. */
  async line({ segment, start, length }: Place): Promise<Uint8Array> {
    const line = (await this.#bytes(segment, start + length)).subarray(start, start + length);
    const damage = damageOf(bufferOf(line).subarray(0, -1));
    if (damage === undefined) return line;
    const path = this.storage.describe(segmentKey(this.thread, segment));
    throw new DraftstateError("CORRUPT", `${path} was changed since it was opened: ${damage}`, { path });
  }

  forget(): void {
    this.#segments.clear();
    this.#reading.clear();
  }

  async #bytes(segment: number, upTo: number): Promise<Uint8Array> {
    const known = this.#segments.get(segment);
    if (known !== undefined && known.length >= upTo) return known;
    // One that is under way may have begun before the line was written.
    const shared = await (this.#reading.get(segment) ?? this.#read(segment));
    const bytes = shared.length >= upTo ? shared : await this.#read(segment);
    if (bytes.length < upTo) throw new SegmentGone();
    return bytes;
  }

  async #read(segment: number): Promise<Uint8Array> {
    const reading = this.storage
      .read(segmentKey(this.thread, segment), { maxBytes: MAX_FILE_BYTES })
      .then((bytes = new Uint8Array()) => bytes);
    this.#reading.set(segment, reading);
    try {
      const bytes = await reading;
      // Of files that were forgotten meanwhile nothing is kept.
      if (this.#reading.get(segment) === reading) this.#keep(segment, bytes);
      return bytes;
    } finally {
      if (this.#reading.get(segment) === reading) this.#reading.delete(segment);
    }
  }

  #keep(segment: number, bytes: Uint8Array): void {
    this.#segments.delete(segment);
    this.#segments.set(segment, bytes);
    for (const oldest of this.#segments.keys())
      if (this.#segments.size > CACHED_SEGMENTS) this.#segments.delete(oldest);
  }
}
