/**
 * One thread's log as it is written, under the thread's lock. One loop: what arrives while a batch is written is the next
 * batch. A batch is acknowledged after its sync, and only then part of the index. After a failed append or sync that file is
 * never written again: the batch goes to a new segment, or is rejected where that fails too.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { firstFolded, SEGMENT_BYTES } from "../checkpoints/folding.js";
import type { Payload } from "../checkpoints/payload.js";
import { encodeEnd, encodeThreadHeader, type ThreadHeader, type ThreadRecord } from "../checkpoints/record.js";
import type { Partial } from "../checkpoints/streams.js";
import type { ThreadSummary } from "../checkpoints/summary.js";
import type { Place, ThreadIndex } from "../checkpoints/thread-index.js";
import { encodeStream, encodeToken } from "../checkpoints/token-record.js";
import type { Lock, Log } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { segmentKey } from "../store/names.js";
import { warn, type Store } from "../store/store.js";
import { SegmentGone, segmentBefore, type Segment, type SegmentReader } from "./segment-files.js";
import { removeFolded } from "./tombstone.js";

/** A line to be written. */
export interface Line {
  readonly record: ThreadRecord;
  readonly bytes: Uint8Array;
  /** What it holds, for those who read it soon. */
  readonly payloads?: readonly Payload[];
}

export interface ThreadLogOptions {
  readonly store: Store;
  readonly thread: string;
  readonly threadId: string;
  readonly createdAt: string;
  readonly lock: Lock;
  readonly index: ThreadIndex;
  readonly reader: SegmentReader;
  readonly segments: readonly Segment[];
  /** Not all of the last segment may be durable: it is written again with the first batch. */
  readonly mustFoldLast: boolean;
  /** The line is durable, and part of the index. */
  readonly wrote: (line: Line, place: Place) => void;
  /** Of the thread as its log tells it now; undefined where that cannot be told. */
  readonly summary: (segments: readonly Segment[]) => Promise<ThreadSummary | undefined>;
}

/** Nothing was written: the log was closed before. */
export class LogClosed extends Error {}

interface Batch {
  readonly lines: readonly Line[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class ThreadLog {
  #segments: Segment[];
  #log: Log | undefined;
  #queue: Batch[] = [];
  #running: Promise<void> | undefined;
  #mustFoldLast: boolean;
  #failure: unknown;

  constructor(private readonly options: ThreadLogOptions) {
    this.#segments = [...options.segments];
    this.#mustFoldLast = options.mustFoldLast;
  }

  /** The oldest first; all of their bytes count. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** All of the last segment is durable. */
  get isEnded(): boolean {
    return !this.#mustFoldLast;
  }

  /** Undefined while it can be written. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when the lines are durable, all of them or none; rejects where they could not be written. */
  append(lines: readonly Line[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure));
    const bytes = lines.reduce((sum, line) => sum + line.bytes.length, 0);
    if (bytes > MAX_FILE_BYTES / 2)
      return Promise.reject(
        new DraftstateError(
          "INVALID_STATE",
          `a checkpoint of thread ${this.options.threadId} has ${bytes} bytes, more than the limit of ${MAX_FILE_BYTES / 2}: nothing was saved`,
        ),
      );
    return new Promise((resolve, reject) => {
      this.#queue.push({ lines, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Nothing is being written any more. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Waits for what is being written; all of it is durable then, and the file says so. */
  async close(): Promise<void> {
    await this.settled();
    this.#failure ??= new LogClosed();
    await this.#closeLog();
  }

  async #closeLog(): Promise<void> {
    const log = this.#log;
    if (log === undefined) return;
    this.#log = undefined;
    this.options.reader.forget();
    try {
      await log.sync();
      // Not counted: nothing syncs it.
      await log.append(encodeEnd(await this.options.summary(this.#segments)));
    } catch (error) {
      this.#mustFoldLast = true;
      this.#warn("the end of its log could not be written: the next writer writes it again", error);
    } finally {
      await log.close().catch(() => undefined);
    }
  }

  async #drain(): Promise<void> {
    // What is asked in the same turn of the event loop shares a batch.
    await Promise.resolve();
    for (;;) {
      const batches = this.#take();
      if (batches.length === 0) {
        // In the same breath as the look: what is asked from here on starts a loop of its own.
        this.#running = undefined;
        return;
      }
      try {
        await this.#write(batches.flatMap(({ lines }) => lines));
        for (const { resolve } of batches) resolve();
        // A graph puts its checkpoints one after another: the next shares a batch with the writes that wait already.
        if (this.#queue.length > 0) await endOfTurn();
      } catch (error) {
        this.#failure = error;
        this.#tellFailure(error);
        for (const { reject } of [...batches, ...this.#take()]) reject(asError(error));
      }
    }
  }

  #take(): Batch[] {
    const taken = this.#queue;
    this.#queue = [];
    return taken;
  }

  async #write(lines: readonly Line[]): Promise<void> {
    const { store, threadId } = this.options;
    const bytes = Buffer.concat(lines.map((line) => line.bytes));
    const started = store.elapsed();
    if (!(await this.#continued(bytes, lines))) await this.#begin(bytes, lines);
    store.events.emit("threadSaved", {
      threadId,
      records: lines.length,
      bytes: bytes.length,
      durationMs: store.elapsed() - started,
    });
  }

  /** False where a new segment is to be begun. */
  async #continued(bytes: Uint8Array, lines: readonly Line[]): Promise<boolean> {
    const last = this.#segments.at(-1);
    if (this.#log === undefined || last === undefined) return false;
    const isStrict = this.options.store.settings.durability === "strict";
    if (last.bytes + bytes.length > SEGMENT_BYTES && last.bytes > 0) return this.#full(isStrict);
    try {
      await (isStrict ? this.#log.appendDurably(bytes) : this.#log.append(bytes));
    } catch (error) {
      await this.#failed(error, isStrict);
      return false;
    }
    this.#apply(lines, last.number, last.bytes);
    this.#grew(bytes.length);
    return true;
  }

  /** What the next segment says of this one has to be durable. */
  async #full(isStrict: boolean): Promise<false> {
    try {
      if (!isStrict) await this.#log?.sync();
      await this.#abandon();
    } catch (error) {
      await this.#failed(error, isStrict);
    }
    return false;
  }

  /** Its synced bytes stand; where it is not synced as it grows, none of them is sure. */
  async #failed(error: unknown, isStrict: boolean): Promise<void> {
    await this.#abandon();
    if (isDraftstateError(error, "LOCKED")) throw error;
    if (!isStrict) this.#mustFoldLast = true;
    this.#warn("its log could not be written: it goes to a new file", error);
  }

  async #abandon(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close().catch(() => undefined);
  }

  /** A segment that begins with the batch, and with what it takes the place of. */
  async #begin(batch: Uint8Array, lines: readonly Line[]): Promise<void> {
    const { store, thread, lock, index, reader } = this.options;
    const first = this.#firstFolded();
    const folded = new Set(this.#segments.slice(first).map(({ number }) => number));
    const kept = await this.#kept(folded);
    const told = this.#headerFor(first);
    const { segment } = told;
    const header = encodeThreadHeader(told);
    const content = Buffer.concat([header, ...kept.map(({ bytes }) => bytes), batch]);
    this.#log = await store.storage.createLog(segmentKey(thread, segment), content, lock, segmentBefore(thread, told));
    this.#segments = [...this.#segments.slice(0, first), { number: segment, bytes: 0 }];
    this.#mustFoldLast = false;
    index.relocate(placesOf(kept, segment, header.length));
    this.#apply(lines, segment, content.length - batch.length);
    this.#grew(content.length);
    reader.forget();
    await this.#removeSegments(folded);
  }

  /** Those that have been folded by now are harmless: they are skipped when read, and go with the next. */
  async #removeSegments(folded: ReadonlySet<number>): Promise<void> {
    const { store, thread, lock } = this.options;
    try {
      for (const number of folded)
        await removeFolded({ store, thread, header: this.options, lock }, number, this.#segments);
    } catch (error) {
      this.#warn("a part of its log that is no longer needed could not be removed; it is skipped when read", error);
    }
  }

  #firstFolded(): number {
    const sizes = this.#segments.map(({ bytes }) => bytes);
    const last = this.#segments.at(-1);
    const first = firstFolded(sizes, this.#mustFoldLast);
    if (first < sizes.length || last === undefined) return first;
    // Answers that were written elsewhere leave more behind than they leave.
    return this.options.index.passingIn(last.number) > last.bytes / 2 ? first - 1 : first;
  }

  #headerFor(first: number): ThreadHeader {
    const { threadId, createdAt, index } = this.options;
    const segment = (this.#segments.at(-1)?.number ?? 0) + 1;
    const before = this.#segments[first - 1];
    return {
      threadId,
      createdAt,
      segment,
      // Also of what earlier ones took the place of: a removal that a power loss undoes is met again.
      from: (before?.number ?? 0) + 1,
      numbers: index.numbers,
      ...(before === undefined ? {} : { after: { segment: before.number, bytes: before.bytes } }),
    };
  }

  async #kept(folded: ReadonlySet<number>): Promise<KeptLine[]> {
    if (folded.size === 0) return [];
    const kept: KeptLine[] = [];
    for (const line of this.options.index.liveIn(folded)) {
      if (line.kind === "line") kept.push({ from: line.place, bytes: await this.#lineAt(line.place) });
      else kept.push({ from: undefined, bytes: encodePartial(line.partial) });
    }
    return kept;
  }

  async #lineAt(place: Place): Promise<Uint8Array> {
    const { store, thread, reader } = this.options;
    try {
      return await reader.line(place);
    } catch (error) {
      if (!(error instanceof SegmentGone)) throw error;
      const path = store.storage.describe(segmentKey(thread, place.segment));
      throw new DraftstateError("STORAGE", `${path} is shorter than this process left it: nothing was saved`, { path });
    }
  }

  #apply(lines: readonly Line[], segment: number, from: number): void {
    let start = from;
    for (const line of lines) {
      const place = { segment, start, length: line.bytes.length };
      this.options.index.apply(line.record, place);
      this.options.wrote(line, place);
      start += line.bytes.length;
    }
  }

  #grew(bytes: number): void {
    const last = this.#segments.at(-1);
    if (last !== undefined) this.#segments[this.#segments.length - 1] = { ...last, bytes: last.bytes + bytes };
  }

  #tellFailure(cause: unknown): void {
    const { store, threadId } = this.options;
    const error = isDraftstateError(cause) ? cause : new DraftstateError("STORAGE", messageOf(cause), { cause });
    store.events.emit("saveError", { conversationId: threadId, kind: "thread", error });
  }

  #warn(what: string, error: unknown): void {
    const { store, threadId } = this.options;
    warn(store, threadId, `thread ${threadId}: ${what}: ${messageOf(error)}`, error);
  }
}

interface KeptLine {
  /** Undefined for what was made of many lines. */
  readonly from: Place | undefined;
  readonly bytes: Uint8Array;
}

function placesOf(kept: readonly KeptLine[], segment: number, from: number): Map<Place, Place> {
  const moved = new Map<Place, Place>();
  let start = from;
  for (const { from: before, bytes } of kept) {
    if (before !== undefined) moved.set(before, { segment, start, length: bytes.length });
    start += bytes.length;
  }
  return moved;
}

/** All that has come of an answer, in two lines. */
export function encodePartial({ number, text, calls, startedAt, updatedAt, ...origin }: Partial): Uint8Array {
  return Buffer.concat([
    encodeStream({ kind: "stream", number, at: startedAt, ...origin }),
    encodeToken({ kind: "token", stream: number, at: updatedAt, text, calls }),
  ]);
}

/** Of the event loop: what was asked in it is asked by now. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new DraftstateError("STORAGE", messageOf(error));
}
