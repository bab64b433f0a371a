/** A segment written whole, in one step: for what was removed, brought back, copied or repaired. */
import { DraftstateError } from "../errors.js";
import { encodeEnd, encodeThreadHeader, type ThreadHeader } from "../checkpoints/record.js";
import type { LiveLine, ThreadIndex } from "../checkpoints/thread-index.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { segmentKey } from "../store/names.js";
import type { Lock } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import type { SegmentReader } from "./segment-files.js";
import { encodePartial } from "./thread-log.js";

/** Durable when it resolves. Throws `INVALID_STATE` where it would be too large to be read back. */
export async function writeSegment(
  store: Store,
  thread: string,
  header: ThreadHeader,
  lines: readonly Uint8Array[],
  lock: Lock,
): Promise<void> {
  const content = Buffer.concat([encodeThreadHeader(header), ...lines, encodeEnd()]);
  if (content.length > MAX_FILE_BYTES)
    throw new DraftstateError(
      "INVALID_STATE",
      `what is to stay of thread ${header.threadId} has ${content.length} bytes, more than the limit of ${MAX_FILE_BYTES}: keep less`,
    );
  const log = await store.storage.createLog(segmentKey(thread, header.segment), content, lock);
  await log.close().catch(() => undefined);
}

/** As they stand in the log, in its order. */
export async function bytesOf(lines: readonly LiveLine[], reader: SegmentReader): Promise<Uint8Array[]> {
  const bytes: Uint8Array[] = [];
  for (const line of lines)
    bytes.push(line.kind === "line" ? await reader.line(line.place) : encodePartial(line.partial));
  return bytes;
}

/** Of a segment that takes the place of the whole log. */
export function headerOfWhole(threadId: string, createdAt: string, segment: number, index: ThreadIndex): ThreadHeader {
  return { threadId, createdAt, segment, from: 1, numbers: index.numbers };
}
