/** Retention carried out: one conversation at a time, under its lock, backups only (I5). A dry run prints the same plan. */
import { isDraftstateError } from "../errors.js";
import type { RetentionPlan, RetentionPolicy } from "../plan/retention.js";
import type { Storage } from "../storage/storage.js";
import { backupHeads, inspectBackups, planPrune, type Backup, type BackupHead } from "../store/backups.js";
import type { ManagerEvents, OnProgress } from "../store/events.js";
import { backupKey, backupsById, type BackupName } from "../store/names.js";
import { findConversation } from "../store/read.js";
import type { Trash } from "../store/trash.js";
import type { KeptFile, Operation } from "../store/trash-record.js";

export interface PruneResult {
  /** Paths. */
  readonly kept: readonly string[];
  readonly removed: readonly string[];
  readonly bytesFreed: number;
  readonly dryRun: boolean;
  /** Gone for good: not in the trash. */
  readonly purged: boolean;
  /** Conversations left alone, and why: another process writes them. */
  readonly skipped: readonly { readonly conversationId: string; readonly reason: string }[];
  /** Of a dry run: by path, the rules that keep it. */
  readonly reasons?: Readonly<Record<string, readonly string[]>>;
}

type PrunedOne = Omit<PruneResult, "dryRun" | "purged" | "skipped" | "reasons"> & { readonly reasons: Readonly<Record<string, readonly string[]>> };

export interface PruneContext {
  readonly storage: Storage;
  readonly now: () => Date;
  readonly trash: Trash;
  readonly removed: (event: ManagerEvents["backupRemoved"]) => void;
  /** Rejects with `LOCKED` where another process writes the conversation. */
  readonly withLock: <T>(id: string, act: () => Promise<T>) => Promise<T>;
}

interface PruneOneOptions {
  readonly dryRun: boolean;
  readonly purge: boolean;
  /** One command's removals share it, so that one undo takes all of them back. */
  readonly group: string;
}

async function takeAway(context: PruneContext, id: string, backups: readonly Backup[], options: PruneOneOptions): Promise<void> {
  const { storage, trash } = context;
  if (backups.length === 0) return;
  if (options.purge) {
    await takeEach(context, id, backups, (backup) => storage.remove(backupKey(backup)));
    return;
  }
  const files = backups.map(({ name }): KeptFile => ({ area: "backup", name }));
  const operation: Operation = { kind: "prune", conversationId: id, stamp: await trash.newStamp(), group: options.group, files };
  await trash.begin(operation);
  try {
    await takeEach(context, id, backups, (backup) => trash.take(operation.stamp, { area: "backup", name: backup.name }));
  } catch (error) {
    await trash.withdrawIfNothingWent(operation).catch(() => undefined);
    throw error;
  }
}

async function takeEach({ storage, removed }: PruneContext, id: string, backups: readonly Backup[], take: (backup: Backup) => Promise<boolean>): Promise<void> {
  for (const backup of backups) {
    const said = (): void => {
      removed({ conversationId: id, timestamp: backup.timestamp, path: backup.path });
    };
    try {
      if (await take(backup)) said();
    } catch (error) {
      // It may have gone before the error came: whatever is removed is said.
      if ((await storage.stat(backupKey(backup)).catch(() => ({}))) === undefined) said();
      throw error;
    }
  }
}

async function pruneOne(context: PruneContext, id: string, names: readonly BackupName[], policy: RetentionPolicy, options: PruneOneOptions): Promise<PrunedOne> {
  const { storage, now } = context;
  const byTheirEnds = planPrune(await backupHeads(storage, names), policy, { now: now(), protectLastValid: false });
  // Nothing goes that was not read and verified, and most have nothing that goes.
  if (byTheirEnds.remove.length === 0) return prunedOne(byTheirEnds, []);
  const backups = await inspectBackups(storage, names);
  const { snapshot } = await findConversation(storage, id);
  const plan = planPrune(backups, policy, { now: now(), protectLastValid: snapshot?.kind !== "valid" });
  if (!options.dryRun) await takeAway(context, id, plan.remove, options);
  return prunedOne(plan, plan.remove);
}

function prunedOne({ keep }: RetentionPlan<BackupHead>, removed: readonly Backup[]): PrunedOne {
  return {
    kept: keep.map(({ backup }) => backup.path),
    removed: removed.map(({ path }) => path),
    bytesFreed: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    reasons: Object.fromEntries(keep.map(({ backup, reasons }) => [backup.path, reasons])),
  };
}

export interface PruneOptions {
  readonly id: string | undefined;
  readonly dryRun: boolean;
  /** For good, and not into the trash. */
  readonly purge: boolean;
  readonly onProgress?: OnProgress | undefined;
}

export async function prune(context: PruneContext, policy: RetentionPolicy, options: PruneOptions): Promise<PruneResult> {
  const { id, dryRun, onProgress } = options;
  const purge = options.purge || !context.trash.keeps;
  const group = await context.trash.newStamp();
  const kept: string[] = [];
  const removed: string[] = [];
  const skipped: { conversationId: string; reason: string }[] = [];
  let bytesFreed = 0;
  // What comes while this goes on is newer than all of these, and stays.
  const backups = backupsById(await context.storage.list("backup"));
  const known = id === undefined ? [...backups.keys()].sort() : [id];
  const reasons: Record<string, readonly string[]> = {};
  for (const [index, each] of known.entries()) {
    onProgress?.(index, known.length);
    try {
      const act = (): ReturnType<typeof pruneOne> => pruneOne(context, each, backups.get(each) ?? [], policy, { dryRun, purge, group });
      const result = dryRun ? await act() : await context.withLock(each, act);
      kept.push(...result.kept);
      removed.push(...result.removed);
      bytesFreed += result.bytesFreed;
      Object.assign(reasons, result.reasons);
    } catch (error) {
      if (id !== undefined || !isDraftstateError(error, "LOCKED")) throw error;
      skipped.push({ conversationId: each, reason: error.message });
    }
  }
  return { kept, removed, bytesFreed, dryRun, purged: purge, skipped, ...(dryRun ? { reasons } : {}) };
}
