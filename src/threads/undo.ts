/** Takes back the last deletion or prune of a thread. What came since a prune stays: what it had removed is written behind it. */
import { DraftstateError } from "../errors.js";
import { planSegments, scanSegment } from "../checkpoints/segments.js";
import { ThreadIndex } from "../checkpoints/thread-index.js";
import { timeOfStamp } from "../store/trash-record.js";
import { writeSegment } from "./new-segment.js";
import {
  changesOf,
  existsAgain,
  forgetChange,
  readTaken,
  returnSegments,
  type ThreadChange,
  type ThreadRecordInTrash,
} from "./thread-trash.js";
import type { LockedThread } from "./thread.js";

export interface UndoneThreadChange {
  readonly operation: ThreadChange;
  readonly threadId: string;
  /** ISO 8601: when it was done. */
  readonly at: string;
}

/** Throws `NOT_FOUND` where there is nothing to take back, `STORAGE` where the thread exists again. */
export async function undoThread(locked: LockedThread): Promise<UndoneThreadChange> {
  const { store, name, threadId, lock } = locked;
  const [record] = await changesOf(store.storage, name);
  if (record === undefined)
    throw new DraftstateError("NOT_FOUND", `nothing was done to thread ${threadId} that can be undone`);
  if (record.kind === "delete") {
    if (locked.look.segments.length > 0) throw existsAgain(threadId);
    await returnSegments(store, name, record, lock);
  } else await bringBack(locked, record);
  await forgetChange(store, name, record, lock);
  return { operation: record.kind, threadId, at: timeOfStamp(record.stamp).toISOString() };
}

async function bringBack(
  { store, name, threadId, lock, look }: LockedThread,
  record: ThreadRecordInTrash,
): Promise<void> {
  if (record.createdAt !== look.createdAt) throw existsAgain(threadId);
  const taken = await readTaken(store.storage, name, record);
  const plan = planSegments(
    taken.map(({ number, bytes }) => scanSegment(number, bytes)),
    threadId,
  );
  if (plan.kind !== "usable")
    throw new DraftstateError(
      "CORRUPT",
      `what was removed of thread ${threadId} can no longer be read; nothing was changed`,
    );
  const before = new ThreadIndex();
  for (const { scanned, bytes } of plan.segments)
    for (const { record: line, place } of scanned.lines)
      if (place.start < bytes) before.apply(line, { ...place, segment: scanned.number });
  const contents = new Map(taken.map(({ number, bytes }) => [number, bytes]));
  const lines = before.notIn(look.view.index).flatMap(({ segment, start, length }) => {
    const bytes = contents.get(segment);
    return bytes === undefined ? [] : [bytes.subarray(start, start + length)];
  });
  const last = look.segments.at(-1);
  const segment = (last?.number ?? 0) + 1;
  const after = last === undefined ? {} : { after: { segment: last.number, bytes: last.bytes } };
  const numbers = Math.max(before.numbers, look.view.index.numbers);
  await writeSegment(
    store,
    name,
    { threadId, createdAt: look.createdAt, segment, from: segment, numbers, ...after },
    lines,
    lock,
  );
}
