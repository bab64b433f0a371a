/** A thread removed: to the trash, or for good. Its files go from the first on, so that what a crash leaves is never taken for an earlier history. */
import { isDraftstateError } from "../errors.js";
import { segmentKey } from "../store/names.js";
import { loadThread, segmentNumbers } from "./segment-files.js";
import { beginChange, takeSegments } from "./thread-trash.js";
import type { HeldThread } from "./thread.js";

export async function removeThread({ store, name, threadId, lock }: HeldThread): Promise<void> {
  const segments = (await segmentNumbers(store.storage, name)).sort((left, right) => left - right);
  if (segments.length === 0) return;
  // Segments that were folded into others are gone for good before the others go: none of them may stand in for the thread.
  await store.storage.settle("state");
  if (!store.trash.keeps) {
    for (const number of segments) await store.storage.remove(segmentKey(name, number), lock);
    await store.storage.settle("state");
    return;
  }
  // One that is damaged can be removed too.
  const loaded = await loadThread(store.storage, name).catch((error: unknown) => {
    if (isDraftstateError(error, "CORRUPT") || isDraftstateError(error, "NEWER_VERSION")) return undefined;
    throw error;
  });
  const createdAt = loaded?.createdAt ?? "";
  const record = {
    kind: "delete",
    threadId,
    createdAt,
    stamp: await store.trash.newStamp(lock),
    segments,
  } as const;
  await beginChange(store, name, record, lock);
  await takeSegments(store, name, record, lock);
}
