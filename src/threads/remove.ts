/** A thread removed: to the trash, or for good. Its files go from the first on, so that what a crash leaves is never taken for an earlier history. */
import { isDraftstateError } from "../errors.js";
import { segmentKey } from "../store/names.js";
import { loadThread, segmentNumbers } from "./segment-files.js";
import { beginChange, changesOf, forgetChange, takeSegments } from "./thread-trash.js";
import type { HeldThread } from "./thread.js";

export interface RemoveThreadOptions {
  /** For good, and with it what the trash keeps of it. */
  readonly purge?: boolean;
  /** Of what the same command removes with it. */
  readonly group?: string | undefined;
}

export interface RemovedThread {
  readonly segments: readonly number[];
  readonly bytes: number;
  readonly purged: boolean;
  /** Undefined where nothing is kept. */
  readonly group: string | undefined;
}

/** Undefined where there is nothing to remove. */
export async function removeThread(
  held: HeldThread,
  { purge = false, group }: RemoveThreadOptions = {},
): Promise<RemovedThread | undefined> {
  const { store, name } = held;
  const segments = (await segmentNumbers(store.storage, name)).sort((left, right) => left - right);
  if (segments.length === 0) return undefined;
  const bytes = await bytesOfSegments(held, segments);
  // Segments that were folded into others are gone for good before the others go: none of them may stand in for the thread.
  await store.storage.settle("state");
  const purged = purge || !store.trash.keeps;
  if (purged) await forGood(held, segments);
  const kept = purged ? undefined : await toTrash(held, segments, group);
  return { segments, bytes, purged, group: kept };
}

async function forGood({ store, name, lock }: HeldThread, segments: readonly number[]): Promise<void> {
  for (const number of segments) await store.storage.remove(segmentKey(name, number), lock);
  await store.storage.settle("state");
  for (const change of await changesOf(store.storage, name)) {
    // What was deleted before is another thread of its id.
    if (change.kind === "delete") return;
    await forgetChange(store, name, change, lock);
  }
}

async function toTrash(
  { store, name, threadId, lock }: HeldThread,
  segments: readonly number[],
  group: string | undefined,
): Promise<string> {
  // One that is damaged can be removed too.
  const loaded = await loadThread(store.storage, name).catch((error: unknown) => {
    if (isDraftstateError(error, "CORRUPT") || isDraftstateError(error, "NEWER_VERSION")) return undefined;
    throw error;
  });
  const stamp = await store.trash.newStamp(lock);
  const record = {
    kind: "delete",
    threadId,
    createdAt: loaded?.createdAt ?? "",
    stamp,
    group: group ?? stamp,
    segments,
  } as const;
  await beginChange(store, name, record, lock);
  await takeSegments(store, name, record, lock);
  return record.group;
}

async function bytesOfSegments({ store, name }: HeldThread, segments: readonly number[]): Promise<number> {
  let bytes = 0;
  for (const number of segments) bytes += (await store.storage.stat(segmentKey(name, number)))?.size ?? 0;
  return bytes;
}
