/** A thread under another id: all its checkpoints, with their ids. Answers that were cut off stay with the original. */
import { DraftstateError } from "../errors.js";
import { bytesOf, headerOfWhole, writeSegment } from "./new-segment.js";
import { loadThread, SegmentReader } from "./segment-files.js";
import type { LockedThread, Thread } from "./thread.js";

/** Throws `NOT_FOUND` where there is nothing to copy, `INVALID_ID` where the id is taken. */
export async function copyInto({ store, name, threadId, lock, look }: LockedThread, from: Thread): Promise<void> {
  if (look.segments.length > 0)
    throw new DraftstateError("INVALID_ID", `thread ${threadId} exists already: choose another id, or delete it first`);
  const source = await loadThread(store.storage, from.name, from.threadId);
  if (source === undefined) throw new DraftstateError("NOT_FOUND", `there is no thread ${from.threadId}`);
  const lines = source.index
    .liveIn(new Set(source.segments.map(({ number }) => number)))
    .filter(({ kind }) => kind === "line");
  const bytes = await bytesOf(lines, new SegmentReader(store.storage, from.name));
  await writeSegment(store, name, headerOfWhole(threadId, store.now().toISOString(), 1, source.index), bytes, lock);
}
