/**
 * What stays of the first segment that a fold takes the place of: its header alone. A process that knows the segment before it as the
 * last one learns from it that something followed, without a listing: the number after a segment is taken as long as that segment
 * stands. So those that were folded go in their order, and none after one that could not.
 */
import { encodeThreadHeader, type ThreadHeader } from "../checkpoints/record.js";
import { segmentKey } from "../store/names.js";
import type { Lock } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import type { Segment } from "./segment-files.js";

export interface Folded {
  readonly store: Store;
  readonly thread: string;
  readonly header: Pick<ThreadHeader, "threadId" | "createdAt">;
  readonly lock: Lock;
}

/** `before`: those that the log has still. */
export async function removeFolded(
  { store, thread, header, lock }: Folded,
  number: number,
  before: readonly Segment[],
): Promise<void> {
  const key = segmentKey(thread, number);
  const previous = before.find((segment) => segment.number === number - 1);
  if (previous === undefined) await store.storage.remove(key, lock);
  else await store.storage.replace(key, tombstone(header, number, previous), lock);
}

function tombstone({ threadId, createdAt }: Folded["header"], segment: number, previous: Segment): Uint8Array {
  const after = { segment: previous.number, bytes: previous.bytes };
  return encodeThreadHeader({ threadId, createdAt, segment, from: segment, numbers: 0, after });
}
