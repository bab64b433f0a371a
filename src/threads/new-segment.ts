/** A segment written whole, in one step: for what was removed, brought back, copied or repaired. */
import { DraftstateError } from "../errors.js";
import { encodeEnd, encodeThreadHeader, type ThreadHeader } from "../checkpoints/record.js";
import { scanSegment } from "../checkpoints/segments.js";
import type { ThreadSummary } from "../checkpoints/summary.js";
import { ThreadIndex, type LiveLine, type Place } from "../checkpoints/thread-index.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { segmentKey } from "../store/names.js";
import type { Lock } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import { PayloadCache } from "./payload-cache.js";
import { segmentBefore, type LineReader, type Segment } from "./segment-files.js";
import { summaryOf } from "./summary.js";
import { encodePartial } from "./thread-log.js";
import { ThreadView } from "./thread-view.js";

/** What a new segment follows. */
export interface Before {
  readonly segments: readonly Segment[];
  /** Of those segments; the new one's lines become part of it. */
  readonly index: ThreadIndex;
  readonly reader: LineReader;
}

/** `before`: undefined for one that takes the place of the whole log. Durable when it resolves. Throws `INVALID_STATE` where it would be too large to be read back. */
export async function writeSegment(
  store: Store,
  thread: string,
  header: ThreadHeader,
  lines: readonly Uint8Array[],
  lock: Lock,
  before?: Before,
): Promise<void> {
  const body = Buffer.concat([encodeThreadHeader(header), ...lines]);
  const content = Buffer.concat([body, encodeEnd(await summaryWith(header, body, store.now, before))]);
  if (content.length > MAX_FILE_BYTES)
    throw new DraftstateError(
      "INVALID_STATE",
      `what is to stay of thread ${header.threadId} has ${content.length} bytes, more than the limit of ${MAX_FILE_BYTES}: keep less`,
    );
  const log = await store.storage.createLog(
    segmentKey(thread, header.segment),
    content,
    lock,
    segmentBefore(thread, header),
  );
  await log.close().catch(() => undefined);
}

async function summaryWith(
  { threadId, segment }: ThreadHeader,
  body: Uint8Array,
  now: () => Date,
  before: Before | undefined,
): Promise<ThreadSummary | undefined> {
  const index = before?.index ?? new ThreadIndex();
  for (const { record, place } of scanSegment(segment, body).lines) index.apply(record, { ...place, segment });
  const line = async (place: Place): Promise<Uint8Array> =>
    before === undefined || place.segment === segment
      ? body.subarray(place.start, place.start + place.length)
      : before.reader.line(place);
  const view = new ThreadView(threadId, index, { line }, new PayloadCache(), "");
  const segments = [...(before?.segments ?? []), { number: segment, bytes: body.length }];
  // For lists alone: where it cannot be told, they read the log.
  return summaryOf(view, segments, now).catch(() => undefined);
}

/** As they stand in the log, in its order. */
export async function bytesOf(lines: readonly LiveLine[], reader: LineReader): Promise<Uint8Array[]> {
  const bytes: Uint8Array[] = [];
  for (const line of lines)
    bytes.push(line.kind === "line" ? await reader.line(line.place) : encodePartial(line.partial));
  return bytes;
}

/** Of a segment that takes the place of the whole log. */
export function headerOfWhole(threadId: string, createdAt: string, segment: number, index: ThreadIndex): ThreadHeader {
  return { threadId, createdAt, segment, from: 1, numbers: index.numbers };
}
