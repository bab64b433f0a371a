/**
 * Takes a conversation away, with its restore points: into the trash, from where `undo` brings it back, or for good. For
 * a writer that holds the lock. The snapshot goes last: until then the conversation is there, whole.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { planRecovery } from "../plan/recovery.js";
import type { Storage } from "../storage/storage.js";
import type { Fallback } from "../session/spill.js";
import { foldBack } from "../session/fold-back.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { findConversation, listBackupNames, refusal } from "../store/read.js";
import { recover, type RecoveryContext, type WithRecoveries } from "../session/recover.js";
import type { Trash } from "../store/trash.js";
import type { KeptFile, Operation } from "../store/trash-record.js";

export interface RemoveResult {
  readonly conversationId: string;
  /** Paths, as they were. */
  readonly removed: readonly string[];
  readonly bytes: number;
  /** Gone for good: not in the trash. */
  readonly purged: boolean;
  readonly dryRun: boolean;
}

export interface RemoveContext {
  readonly storage: Storage;
  readonly trash: Trash;
  readonly fallback: Fallback | undefined;
  readonly withRecoveries: WithRecoveries;
}

export interface RemoveOptions {
  readonly purge: boolean;
  readonly dryRun: boolean;
}

/** In the order in which they go: restore points from the oldest on, then the snapshot. */
export async function filesOf(storage: Storage, id: string): Promise<KeptFile[]> {
  const backups = (await listBackupNames(storage, id)).reverse().map(({ name }): KeptFile => ({ area: "backup", name }));
  const present: KeptFile[] = [];
  // A journal without its snapshot is read together with a backup: it goes once the snapshot has gone.
  for (const { name } of [snapshotKey(id), journalKey(id)]) if ((await storage.stat({ area: "state", name })) !== undefined) present.push({ area: "state", name });
  return [...backups, ...present];
}

async function takeAway(storage: Storage, files: readonly KeptFile[], take: (file: KeptFile) => Promise<boolean>): Promise<Pick<RemoveResult, "removed" | "bytes">> {
  const removed: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = (await storage.stat(file))?.size ?? 0;
    if (!(await take(file))) continue;
    removed.push(storage.describe(file));
    bytes += size;
  }
  return { removed, bytes };
}

/** One file to move instead of several: a crash between them could leave a snapshot without its latest changes. */
async function gather(context: RecoveryContext, id: string, fallback: Fallback | undefined): Promise<void> {
  const { storage } = context;
  if (fallback !== undefined) await foldBack(context, fallback, id);
  const found = await findConversation(storage, id);
  const plan = planRecovery(found);
  // What is newer elsewhere and cannot be brought home would come back by itself, as if nothing had been removed.
  if (plan.kind !== "usable" && plan.kind !== "absent" && (await fallback?.find(id)) !== undefined) throw refusal(storage, id, plan);
  if (plan.kind === "usable" && found.snapshot !== undefined && found.journal !== undefined) await recover(context, id, plan);
}

async function toTrash(context: RecoveryContext, id: string, group: string, { trash, fallback }: RemoveContext): Promise<RemoveResult> {
  const { storage, lock } = context;
  await gather(context, id, fallback);
  // A journal that a power loss brings back once its snapshot has gone would be a conversation that nobody can read.
  await storage.settle("state");
  const files = await filesOf(storage, id);
  if (files.length === 0) throw refusal(storage, id, { kind: "absent" });
  await lock.assertHeld();
  const stamp = await trash.newStamp();
  const operation: Operation = { kind: "rm", conversationId: id, stamp, group, files };
  await trash.begin(operation);
  try {
    return { conversationId: id, ...(await takeAway(storage, files, (file) => trash.take(stamp, file))), purged: false, dryRun: false };
  } catch (error) {
    await trash.withdrawIfNothingWent(operation).catch(() => undefined);
    throw error;
  }
}

/** Needs no room on the disk beyond the lock's: nothing is folded in, nothing recorded. */
async function forGood({ storage, lock }: RecoveryContext, id: string, { trash, fallback }: RemoveContext): Promise<RemoveResult> {
  const files = await filesOf(storage, id);
  const elsewhere = (await fallback?.find(id)) !== undefined;
  if (files.length === 0 && !elsewhere) throw refusal(storage, id, { kind: "absent" });
  await lock.assertHeld();
  const taken = await takeAway(storage, files, (file) => storage.remove(file));
  if (elsewhere) await fallback?.storage.remove(snapshotKey(id));
  await trash.forgetAll(id);
  return { conversationId: id, ...taken, purged: true, dryRun: false };
}

/** What a removal would take, without a lock and without folding a journal in first. */
async function preview({ storage, fallback }: RemoveContext, id: string, purged: boolean): Promise<RemoveResult> {
  const files = await filesOf(storage, id);
  if (files.length === 0 && (await fallback?.find(id)) === undefined) throw refusal(storage, id, { kind: "absent" });
  return { conversationId: id, ...(await takeAway(storage, files, () => Promise.resolve(true))), purged, dryRun: true };
}

/** What an error half-way through several means for those that went before it. */
function stoppedAfter(done: readonly RemoveResult[], error: unknown): unknown {
  if (done.length === 0 || !isDraftstateError(error)) return error;
  const gone = done.map(({ conversationId }) => conversationId).join(", ");
  const where = done.every(({ purged }) => purged) ? "gone for good" : 'in the trash ("draftstate undo" brings them back)';
  return new DraftstateError(error.code, `${error.message}; ${gone} went before it: ${where}`, { ...(error.path === undefined ? {} : { path: error.path }), cause: error });
}

/** One command's removals share a group, so that one undo takes all of them back. The same id twice is one. */
export async function removeAll(context: RemoveContext, ids: readonly string[], { purge, dryRun }: RemoveOptions): Promise<RemoveResult[]> {
  const different = [...new Set(ids)];
  const purged = purge || !context.trash.keeps;
  const results: RemoveResult[] = [];
  if (dryRun) {
    for (const id of different) results.push(await preview(context, id, purged));
    return results;
  }
  const group = await context.trash.newStamp();
  return context.withRecoveries(different, async (recoveries) => {
    for (const id of different) {
      const recovery = recoveries.get(id) as RecoveryContext;
      try {
        results.push(purged ? await forGood(recovery, id, context) : await toTrash(recovery, id, group, context));
      } catch (error) {
        throw stoppedAfter(results, error);
      }
    }
    return results;
  });
}
