/** A thread removed for good: its files from the first on, so that what a crash leaves is never taken for an earlier history. */
import { segmentKey } from "../store/names.js";
import { segmentNumbers } from "./segment-files.js";
import type { LockedThread } from "./thread.js";

export async function purge({ store, name, lock }: LockedThread): Promise<void> {
  for (const number of await segmentNumbers(store.storage, name))
    await store.storage.remove(segmentKey(name, number), lock);
  await store.storage.settle("state");
}
