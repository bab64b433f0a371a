/**
 * Takes back a deletion, prune or repair of a thread, by default the last one. What came since a prune stays, and what a later one removed stays away: what
 * it had removed is written behind it. What came since a repair goes to quarantine.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { planSegments, scanSegment } from "../checkpoints/segments.js";
import { ThreadIndex } from "../checkpoints/thread-index.js";
import type { ThreadChange, ThreadRecordInTrash } from "../store/thread-record.js";
import type { Store } from "../store/store.js";
import { timeOfStamp } from "../store/trash-record.js";
import { writeSegment } from "./new-segment.js";
import { SegmentReader } from "./segment-files.js";
import {
  changesOf,
  existsAgain,
  forgetChange,
  isOfPresent,
  readTaken,
  returnSegments,
  type KeptChange,
} from "./thread-trash.js";
import type { HeldThread, LockedThread, Thread } from "./thread.js";
import { undoRepair } from "./undo-repair.js";

export interface UndoneThreadChange {
  readonly operation: ThreadChange;
  readonly threadId: string;
  /** ISO 8601: when it was done. */
  readonly at: string;
}

export interface UndoThreadOptions {
  /** Which of them; the last where it is left out. */
  readonly stamp?: string;
  /** Asked under the thread's lock, before anything moves: throws where it may no longer be taken back. */
  readonly check?: () => Promise<void>;
}

/** Throws `NOT_FOUND` where there is nothing to take back, `STORAGE` where the thread exists again. */
export async function undoThread(
  store: Store,
  thread: Thread,
  { stamp, check }: UndoThreadOptions = {},
): Promise<UndoneThreadChange> {
  await settle(thread);
  for (;;) {
    const { kind, stamp: chosen } = await mustFind(store, thread, stamp);
    const isSame = async (): Promise<boolean> => {
      const now = await mustFind(store, thread, stamp);
      if (now.stamp === chosen) await check?.();
      return now.stamp === chosen;
    };
    const undone = await (kind === "repair"
      ? thread.holding(async (held) => (await isSame()) && back(held, await mustFind(store, thread, stamp)))
      : thread.exclusive(async (locked) => (await isSame()) && backIn(locked, await mustFind(store, thread, stamp))));
    // Another change came before this one had the lock: that is the last one now.
    if (undone !== false) return undone;
  }
}

/** What a crash cut off is finished first, and can be undone then. One that is damaged stays as it is. */
export async function settle(thread: Thread): Promise<void> {
  await thread
    .exclusive(() => Promise.resolve())
    .catch((error: unknown) => {
      if (!isDraftstateError(error, "CORRUPT") && !isDraftstateError(error, "NEWER_VERSION")) throw error;
    });
}

async function mustFind({ storage }: Store, thread: Thread, stamp: string | undefined): Promise<KeptChange> {
  const changes = await changesOf(storage, thread.name);
  const found = stamp === undefined ? changes[0] : changes.find((change) => change.stamp === stamp);
  if (found !== undefined) return found;
  throw new DraftstateError(
    "NOT_FOUND",
    stamp === undefined
      ? `nothing was done to thread ${thread.threadId} that can be undone`
      : `what was done to thread ${thread.threadId} then was undone meanwhile: manager.operations() lists what is left`,
  );
}

async function back(held: HeldThread, record: KeptChange): Promise<UndoneThreadChange> {
  await undoRepair(held, record);
  return undoneOf(held, record);
}

async function backIn(locked: LockedThread, record: KeptChange): Promise<UndoneThreadChange> {
  const { store, name, threadId, lock, look } = locked;
  if (record.kind === "delete") {
    if (look.segments.length > 0 && !(await isBack(locked, record))) throw existsAgain(threadId);
    await returnSegments(store, name, record, lock);
  } else await bringBack(locked, record);
  return undoneOf(locked, record);
}

/** The thread in place is the one that was deleted, whole: the deletion was cut off at its last step, or its undo was. */
async function isBack({ store, name, look }: LockedThread, record: KeptChange): Promise<boolean> {
  return record.createdAt === look.createdAt && (await isOfPresent(store.storage, name, record));
}

async function undoneOf(
  { store, name, threadId, lock }: HeldThread,
  record: ThreadRecordInTrash,
): Promise<UndoneThreadChange> {
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
  const { removed } = record;
  const wanted = removed?.flatMap(([ns, id]) => before.checkpoint(ns, id) ?? []);
  const lines = before.notIn(look.view.index, wanted).flatMap(({ segment, start, length }) => {
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
    { segments: look.segments, index: look.view.index, reader: new SegmentReader(store.storage, name) },
  );
}
