/** Retention carried out: one conversation at a time, under its lock, backups only (I5). A dry run prints the same plan. */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { planRetention, type RetentionPlan, type RetentionPolicy } from "../plan/retention.js";
import type { Lock } from "../storage/storage.js";
import type { Sessions } from "../session/sessions.js";
import { assertBackupsInReach } from "../store/away.js";
import { headsOf, listBackupNames, readBackupFile, type Backup } from "../store/backups.js";
import type { OnProgress } from "../store/events.js";
import { backupKey, backupsById, type BackupName } from "../store/names.js";
import { readSnapshot } from "../store/read.js";
import { ANY_CONTENT } from "../store/redo-record.js";
import type { Store } from "../store/store.js";
import type { KeptFile, Operation } from "../store/trash-record.js";
import { redoOf, type Redoing } from "./redoing.js";

export interface PruneResult {
  /** Where they are, for messages. */
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

export interface PruneOptions {
  /** Of this conversation alone. */
  readonly id?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** For good, and not into the trash. */
  readonly purge?: boolean | undefined;
}

interface PruneRequest {
  readonly id: string;
  readonly names: readonly BackupName[];
  readonly policy: RetentionPolicy;
  readonly maxSaved?: number;
  readonly purge: boolean;
  /** Of these names alone, whatever the policy. */
  readonly only?: ReadonlySet<string>;
  readonly again?: Redoing;
  /** One command's removals share it, so that one undo takes all of them back: the stamp of the first. */
  readonly group: { stamp: string | undefined };
}

/** Where the snapshot is not valid the newest valid backup is all there is: then each is verified, and that one stays (I5). */
async function planPrune(
  { storage, now }: Store,
  { id, names, policy, only, maxSaved }: PruneRequest,
): Promise<RetentionPlan<Backup>> {
  const context = {
    now: now().getTime(),
    protectLastValid: false,
    ...(only === undefined ? {} : { only }),
    ...(maxSaved === undefined ? {} : { maxSaved }),
  };
  const heads = await headsOf(storage, names);
  const plan = planRetention(heads, policy, context);
  if (plan.remove.length === 0 || (await readSnapshot(storage, id))?.kind === "valid") return plan;
  const verified: Backup[] = [];
  for (const head of heads)
    verified.push({ ...head, valid: head.valid && (await readBackupFile(storage, head))?.kind === "valid" });
  return planRetention(verified, policy, { ...context, protectLastValid: true });
}

async function takeAway(
  store: Store,
  { id, purge, group, again }: PruneRequest,
  backups: readonly Backup[],
  guard: Lock,
): Promise<void> {
  const { storage, trash } = store;
  if (backups.length === 0) return;
  if (purge) {
    await takeEach(store, backups, (backup) => storage.remove(backupKey(backup), guard));
    return;
  }
  const files = backups.map(({ name }): KeptFile => ({ area: "backup", name }));
  const stamp = await trash.newStamp(guard);
  group.stamp ??= stamp;
  const operation: Operation = {
    kind: "prune",
    conversationId: id,
    stamp,
    group: group.stamp,
    files,
    ...redoOf(again),
  };
  await trash.begin(operation, guard);
  try {
    await takeEach(store, backups, ({ name }) => trash.files.take(operation.stamp, { area: "backup", name }, guard));
  } catch (error) {
    await trash.withdrawIfNothingWent(operation, guard).catch(() => undefined);
    throw error;
  }
}

async function takeEach(
  { storage, events }: Store,
  backups: readonly Backup[],
  take: (backup: Backup) => Promise<boolean>,
): Promise<void> {
  for (const backup of backups) {
    const report = (): void => {
      events.emit("backupRemoved", {
        conversationId: backup.conversationId,
        timestamp: backup.timestamp,
        path: backup.path,
      });
    };
    try {
      if (await take(backup)) report();
    } catch (error) {
      // It may have gone before the error came: whatever is removed is reported.
      if ((await storage.stat(backupKey(backup)).catch(() => ({}))) === undefined) report();
      throw error;
    }
  }
}

export async function prune(
  store: Store,
  sessions: Sessions,
  { id, dryRun = false, purge: isForGood, ...rules }: RetentionPolicy & PruneOptions,
  onProgress?: OnProgress,
): Promise<PruneResult> {
  const { maxBackups } = store.settings;
  const chosen = isEmpty(rules) ? { policy: { max: maxBackups }, maxSaved: maxBackups } : { policy: rules };
  const purge = isForGood === true || !store.trash.keeps;
  const group = { stamp: undefined };
  const result = {
    kept: [] as string[],
    removed: [] as string[],
    bytesFreed: 0,
    dryRun,
    purged: purge,
    skipped: [] as { conversationId: string; reason: string }[],
  };
  const reasons: Record<string, readonly string[]> = {};
  // What comes while this runs is newer than all of these, and stays.
  const backups = id === undefined ? backupsById(await store.storage.list("backup")) : undefined;
  if (backups?.size === 0) await assertBackupsInReach(store.storage);
  const ids = id === undefined ? [...(backups?.keys() ?? [])].sort() : [id];
  for (const [index, each] of ids.entries()) {
    onProgress?.(index, ids.length);
    // Of one conversation the names are asked for in its turn, after all that was asked before.
    const look = async (): Promise<PruneRequest> => ({
      id: each,
      names: backups?.get(each) ?? (await listBackupNames(store.storage, each)),
      ...chosen,
      purge,
      group,
    });
    try {
      const { keep, remove } = dryRun
        ? await planPrune(store, await look())
        : await sessions.guarded(each, async ({ guard }) => pruneOne(store, await look(), guard));
      result.kept.push(...keep.map(({ backup }) => backup.path));
      result.removed.push(...remove.map(({ path }) => path));
      result.bytesFreed += remove.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      for (const { backup, reasons: rules } of keep) reasons[backup.path] = rules;
    } catch (error) {
      if (id !== undefined || !isDraftstateError(error, "LOCKED")) throw error;
      result.skipped.push({ conversationId: each, reason: error.message });
    }
  }
  return { ...result, ...(dryRun ? { reasons } : {}) };
}

async function pruneOne(store: Store, request: PruneRequest, guard: Lock): Promise<RetentionPlan<Backup>> {
  const plan = await planPrune(store, request);
  await takeAway(store, request, plan.remove, guard);
  return plan;
}

/** Without a rule the setting is the rule. */
function isEmpty(rules: RetentionPolicy): boolean {
  return Object.values(rules as Record<string, unknown>).every((rule) => rule === undefined);
}

/** What a prune removed and its undo gave back is removed once more, but for what was pinned since, and the last valid one (I5). */
export async function pruneAgain(
  store: Store,
  sessions: Sessions,
  operations: readonly Operation[],
  again: Redoing,
): Promise<readonly string[]> {
  const ids = operations.map(({ conversationId }) => conversationId);
  // Taking the lock would make the directory anew, and nothing would be found in it.
  await assertBackupsInReach(store.storage);
  return sessions.guardedAll(ids, async (held) => {
    for (const id of ids) await again.check(id, ANY_CONTENT);
    const group = { stamp: undefined };
    const removed: string[] = [];
    for (const { conversationId: id, files } of operations) {
      const guard = held.get(id)?.guard;
      if (guard === undefined) throw new RangeError(`${id} is not locked`);
      const names = await listBackupNames(store.storage, id);
      if (!names.some(({ name }) => files.some((file) => file.name === name))) throw noneLeft(id);
      const request: PruneRequest = {
        id,
        names,
        policy: {},
        only: new Set(files.map(({ name }) => name)),
        purge: false,
        group,
        again,
      };
      removed.push(...(await pruneOne(store, request, guard)).remove.map(({ path }) => path));
      await again.done(id, ANY_CONTENT, guard);
    }
    return removed;
  });
}

function noneLeft(id: string): DraftstateError {
  return new DraftstateError(
    "NOT_FOUND",
    `none of the backups that the prune of ${id} removed is there now: nothing was done`,
  );
}
