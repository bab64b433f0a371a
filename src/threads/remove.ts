/** A thread removed: to the trash, or for good. Its files go from the first on, so that what a crash leaves is never taken for an earlier history. */
import { isDraftstateError } from "../errors.js";
import { segmentKey } from "../store/names.js";
import { quarantinedOfThread } from "../store/quarantine.js";
import type { Key } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import { loadThread, segmentNumbers } from "./segment-files.js";
import { beginChange, forgetChanges, takeSegments } from "./thread-trash.js";
import type { HeldThread } from "./thread.js";

export interface RemoveThreadOptions {
  /** For good, and with it what trash and quarantine keep of it. */
  readonly purge?: boolean;
  /** Of what the same command removes with it. */
  readonly group?: string | undefined;
}

export interface RemovedThread {
  /** Its segments, then what quarantine held of it, if that went too. */
  readonly files: readonly Key[];
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
  const purged = purge || !store.trash.keeps;
  const files = await filesOfThread(store, name, segments, purged);
  const bytes = await bytesOf(store, files);
  // Segments that were folded into others are gone for good before the others go: none of them may stand in for the thread.
  await store.storage.settle("state");
  if (purged) await forGood(held, segments);
  const kept = purged ? undefined : await toTrash(held, segments, group);
  return { files, bytes, purged, group: kept };
}

async function forGood({ store, name, lock }: HeldThread, segments: readonly number[]): Promise<void> {
  // Copies before what they are of: a purge that is cut off can be asked for again.
  await forgetChanges(store, name, lock);
  for (const copy of await quarantinedOfThread(store, name)) await store.storage.remove(copy, lock);
  for (const number of segments) await store.storage.remove(segmentKey(name, number), lock);
  await store.storage.settle("state");
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

/** What a removal of these segments takes. */
export async function filesOfThread(
  store: Pick<Store, "storage">,
  name: string,
  segments: readonly number[],
  purged: boolean,
): Promise<Key[]> {
  const copies = purged ? await quarantinedOfThread(store, name) : [];
  return [...segments.map((segment) => segmentKey(name, segment)), ...copies];
}

export async function bytesOf({ storage }: Pick<Store, "storage">, files: readonly Key[]): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += (await storage.stat(file))?.size ?? 0;
  return bytes;
}
