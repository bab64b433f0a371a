/**
 * A repair taken back: the files are as they were found, damaged as they may be, and what the thread was since goes to
 * quarantine. Each step can be repeated: until all of it is done the record stays, and a further undo finishes it.
 */
import { DraftstateError } from "../errors.js";
import { scanSegment } from "../checkpoints/segments.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { segmentKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import type { ThreadRecordInTrash } from "../store/thread-record.js";
import { segmentNumbers } from "./segment-files.js";
import { existsAgain, readTaken, type TakenSegment } from "./thread-trash.js";
import type { HeldThread } from "./thread.js";

/** Throws `STORAGE` where the id is another thread's now, `CORRUPT` where a file of before is gone. */
export async function undoRepair(held: HeldThread, record: ThreadRecordInTrash): Promise<void> {
  const { store, name, lock } = held;
  const { storage } = store;
  const present = (await segmentNumbers(storage, name)).sort((left, right) => left - right);
  const since = present.filter((number) => !record.segments.includes(number));
  const taken = await readTaken(storage, name, record);
  await assertSameThread(held, present, { record, taken });
  const missing = record.segments.filter(
    (number) => !present.includes(number) && !taken.some((file) => file.number === number),
  );
  if (missing.length > 0) throw gone(record);
  for (const number of since) await copyToQuarantine(store, segmentKey(name, number), lock);
  // Beside what the repair wrote they are in the past, and skipped.
  for (const { number, bytes } of taken)
    await (await storage.createLog(segmentKey(name, number), bytes, lock)).close().catch(() => undefined);
  // From the first on: what a crash leaves is never taken for an earlier history.
  for (const number of since) await storage.remove(segmentKey(name, number), lock);
  // Before its record goes: a power loss may bring none of them back once nothing tells of them any more.
  await storage.settle("state");
}

interface Before {
  readonly record: ThreadRecordInTrash;
  readonly taken: readonly TakenSegment[];
}

/** One that was deleted and begun anew is another. */
async function assertSameThread(
  { store: { storage }, name, threadId }: HeldThread,
  present: readonly number[],
  { record, taken }: Before,
): Promise<void> {
  for (const number of present) {
    const bytes = await storage.read(segmentKey(name, number), { maxBytes: MAX_FILE_BYTES });
    const before = taken.find((file) => file.number === number)?.bytes;
    if (bytes === undefined || (before !== undefined && Buffer.compare(before, bytes) === 0)) continue;
    const { header } = scanSegment(number, bytes);
    if (header !== undefined && header.createdAt !== record.createdAt) throw existsAgain(threadId);
  }
}

function gone({ threadId }: ThreadRecordInTrash): DraftstateError {
  return new DraftstateError(
    "CORRUPT",
    `what thread ${threadId} was before its repair is no longer in the trash; nothing was changed`,
  );
}
