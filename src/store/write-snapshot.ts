/** A conversation's snapshot, written atomically under its lock (I1). Part by part, so that neither memory nor the event loop holds all of it. */
import { metadataOf, type Version } from "../model/conversation.js";
import type { SessionMark } from "../model/sessions.js";
import { SnapshotParts } from "../snapshot/encode.js";
import type { Lock } from "../storage/storage.js";
import { journalKey, snapshotKey } from "./names.js";
import type { Store } from "./store.js";

export interface WrittenSnapshot {
  readonly bytes: number;
  /** ISO 8601, as the file has it. */
  readonly savedAt: string;
}

/** Durable when it resolves. `sessions`: who wrote what it holds. */
export async function writeSnapshot(
  { storage, now, limits }: Pick<Store, "storage" | "now" | "limits">,
  id: string,
  version: Version,
  guard: Lock,
  sessions: readonly SessionMark[] = [],
): Promise<WrittenSnapshot> {
  const savedAt = now().toISOString();
  const parts = new SnapshotParts(version.state, metadataOf(version, id, savedAt, sessions), {
    maxBytes: limits.fileBytes,
  });
  await storage.replace(snapshotKey(id), parts, guard);
  return { bytes: parts.length, savedAt };
}

/** The same, and the journal goes: every record of it is at or below the snapshot's revision (I3). */
export async function writeWhole(
  store: Pick<Store, "storage" | "now" | "limits">,
  id: string,
  version: Version,
  guard: Lock,
  sessions: readonly SessionMark[] = [],
): Promise<void> {
  await writeSnapshot(store, id, version, guard, sessions);
  await store.storage.remove(journalKey(id), guard);
}
