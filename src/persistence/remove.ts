/**
 * Takes a conversation away, with its restore points: into the trash, from where `undo` brings it back, or for good. For
 * a writer that holds the lock. The snapshot goes last: until then the conversation is there, whole.
 */
import type { Key } from "../storage/storage.js";
import { planRecovery } from "../plan/recovery.js";
import { journalKey, snapshotKey } from "./layout.js";
import { findConversation, listBackupNames, refusal } from "./reader.js";
import { recover, type RecoveryContext } from "./recover.js";
import type { KeptFile, Trash } from "./trash.js";

export interface RemoveResult {
  readonly conversationId: string;
  /** Paths, as they were. */
  readonly removed: readonly string[];
  readonly bytes: number;
  /** Gone for good: not in the trash. */
  readonly purged: boolean;
}

async function filesOf(context: RecoveryContext, id: string): Promise<KeptFile[]> {
  const { storage } = context;
  const backups = (await listBackupNames(storage, id)).reverse().map(({ name }): KeptFile => ({ area: "backup", name }));
  const present: KeptFile[] = [];
  // A journal without its snapshot is read together with a backup: it goes once the snapshot has gone.
  for (const { name } of [snapshotKey(id), journalKey(id)]) if ((await storage.stat({ area: "state", name })) !== undefined) present.push({ area: "state", name });
  return [...backups, ...present];
}

export async function remove(context: RecoveryContext, id: string, trash: Trash, options: { readonly purge: boolean; readonly stamp: string }): Promise<RemoveResult> {
  const { storage, lock } = context;
  const found = await findConversation(storage, id);
  const plan = planRecovery(found);
  // One file to move instead of two: a crash between them could leave a snapshot without its latest changes.
  if (plan.kind === "usable" && found.snapshot !== undefined && found.journal !== undefined) await recover(context, id, plan);
  const files = await filesOf(context, id);
  if (files.length === 0) throw refusal(storage, id, { kind: "absent" });
  await lock.assertHeld();
  const { stamp } = options;
  if (!options.purge) await trash.begin({ kind: "rm", conversationId: id, stamp, files });
  const removed: string[] = [];
  let bytes = 0;
  for (const { area, name } of files) {
    const key: Key = { area, name };
    const size = (await storage.stat(key))?.size ?? 0;
    const gone = options.purge ? await storage.remove(key) : await trash.take(stamp, { area, name });
    if (!gone) continue;
    removed.push(storage.describe(key));
    bytes += size;
  }
  return { conversationId: id, removed, bytes, purged: options.purge };
}
