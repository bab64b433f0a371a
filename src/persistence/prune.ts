/** Retention carried out: one conversation at a time, under its lock, backups only (I5). A dry run prints the same plan. */
import { isDraftstateError } from "../errors.js";
import type { RetentionPolicy } from "../plan/retention.js";
import type { Storage } from "../storage/storage.js";
import { listBackups, planPrune } from "./backups.js";
import type { ManagerEvents, OnProgress } from "./events.js";
import { backupKey, parseBackupName } from "./layout.js";
import { findConversation } from "./reader.js";

export interface PruneResult {
  /** Paths. */
  readonly kept: readonly string[];
  readonly removed: readonly string[];
  readonly bytesFreed: number;
  readonly dryRun: boolean;
  /** Conversations left alone, and why: another process writes them. */
  readonly skipped: readonly { readonly conversationId: string; readonly reason: string }[];
  /** Of a dry run: by path, the rules that keep it. */
  readonly reasons?: Readonly<Record<string, readonly string[]>>;
}

type PrunedOne = Omit<PruneResult, "dryRun" | "skipped" | "reasons"> & { readonly reasons: Readonly<Record<string, readonly string[]>> };

export interface PruneContext {
  readonly storage: Storage;
  readonly now: () => Date;
  readonly removed: (event: ManagerEvents["backupRemoved"]) => void;
  /** Rejects with `LOCKED` where another process writes the conversation. */
  readonly withLock: <T>(id: string, act: () => Promise<T>) => Promise<T>;
}

async function idsWithBackups(storage: Storage): Promise<string[]> {
  const ids = (await storage.list("backup")).flatMap((name) => parseBackupName(name)?.conversationId ?? []);
  return [...new Set(ids)].sort();
}

async function pruneOne(context: PruneContext, id: string, policy: RetentionPolicy, dryRun: boolean): Promise<PrunedOne> {
  const { storage, now } = context;
  const backups = await listBackups(storage, id);
  const snapshot = (await findConversation(storage, id)).snapshot;
  const plan = planPrune(backups, policy, { now: now(), protectLastValid: snapshot?.kind !== "valid" });
  for (const backup of dryRun ? [] : plan.remove) {
    if (await storage.remove(backupKey(backup))) context.removed({ conversationId: id, timestamp: backup.timestamp, path: backup.path });
  }
  return {
    kept: plan.keep.map(({ backup }) => backup.path),
    removed: plan.remove.map((backup) => backup.path),
    bytesFreed: plan.remove.reduce((sum, backup) => sum + backup.sizeBytes, 0),
    reasons: Object.fromEntries(plan.keep.map(({ backup, reasons }) => [backup.path, reasons])),
  };
}

export async function prune(context: PruneContext, policy: RetentionPolicy, options: { readonly id: string | undefined; readonly dryRun: boolean; readonly onProgress?: OnProgress | undefined }): Promise<PruneResult> {
  const { id, dryRun, onProgress } = options;
  const kept: string[] = [];
  const removed: string[] = [];
  const skipped: { conversationId: string; reason: string }[] = [];
  let bytesFreed = 0;
  const known = id === undefined ? await idsWithBackups(context.storage) : [id];
  const reasons: Record<string, readonly string[]> = {};
  for (const [index, each] of known.entries()) {
    onProgress?.(index, known.length);
    try {
      const act = (): ReturnType<typeof pruneOne> => pruneOne(context, each, policy, dryRun);
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
  return { kept, removed, bytesFreed, dryRun, skipped, ...(dryRun ? { reasons } : {}) };
}
