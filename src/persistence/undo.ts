/**
 * Takes back what a restore, prune, rm, repair or rename did. What it changes on the way is a restore point first, so
 * that an undo loses nothing either. Each step can be repeated: a crash in the middle leaves an undo to run again.
 */
import { DraftstateError } from "../errors.js";
import { planRecovery } from "../plan/recovery.js";
import { decodeSnapshot } from "../snapshot/decode.js";
import { encodeBackup, writeBackup } from "./backups.js";
import { journalKey, snapshotKey } from "./layout.js";
import type { DraftStatePersistenceManager } from "./manager.js";
import { findConversation } from "./reader.js";
import { recover, type RecoveryContext } from "./recover.js";
import type { KeptFile, Operation, OperationKind, Trash } from "./trash.js";
import { timeOfStamp } from "./trash.js";

export interface UndoneOperation {
  readonly operation: OperationKind;
  readonly conversationId: string;
  /** ISO 8601: when the operation was done. */
  readonly at: string;
}

export interface UndoResult extends UndoneOperation {
  /** Every conversation that the one command had changed. */
  readonly conversationIds: readonly string[];
  /** Paths of files that are back. */
  readonly restored: readonly string[];
  /** Timestamp of the backup that holds what was there before the undo; null where nothing was replaced. */
  readonly safetyBackup: string | null;
}

/** What an undo needs of the manager, beside the manager itself. */
export interface UndoContext {
  readonly manager: DraftStatePersistenceManager;
  readonly trash: Trash;
  /** Under the lock, for conversations that are not open. */
  readonly withRecovery: <T>(id: string, act: (context: RecoveryContext) => Promise<T>) => Promise<T>;
}

interface Undone {
  readonly restored: readonly string[];
  readonly safetyBackup: string | null;
}

export function describeOperation(operation: Operation): UndoneOperation {
  return { operation: operation.kind, conversationId: operation.conversationId, at: timeOfStamp(operation.stamp).toISOString() };
}

async function putBack(context: UndoContext, operation: Operation): Promise<Undone> {
  const { trash } = context;
  return context.withRecovery(operation.conversationId, async ({ storage }) => {
    const restored: string[] = [];
    if (!(await trash.has(operation))) return { restored, safetyBackup: null };
    await trash.assertRoomFor(operation);
    // The journal before the snapshot that it continues: alone it is no conversation.
    for (const file of [...operation.files].reverse()) {
      if (await trash.putBack(operation.stamp, file)) restored.push(storage.describe(file));
    }
    await trash.forget(operation);
    return { restored, safetyBackup: null };
  });
}

/** The old content as a new revision, after a backup of the present: as `restore` itself goes back (I4). */
async function undoRestore(context: UndoContext, operation: Operation): Promise<Undone> {
  const { manager, trash } = context;
  const [file] = operation.files;
  const bytes = file === undefined ? undefined : await trash.readCopy(operation.stamp, file);
  const before = bytes === undefined ? undefined : decodeSnapshot(bytes, operation.conversationId);
  if (before?.kind !== "valid") throw new DraftstateError("CORRUPT", `what ${operation.conversationId} held before the restore cannot be read: "draftstate backups ${operation.conversationId}" lists its restore points`);
  return manager.withConversation(
    operation.conversationId,
    async (conversation) => {
      const safetyBackup = await conversation.backup({ reason: "restore" });
      conversation.replaceState(before.state);
      await conversation.flush();
      await conversation.compact();
      await trash.forget(operation);
      return { restored: [], safetyBackup };
    },
    "existing",
  );
}

async function undoRename(context: UndoContext, operation: Operation): Promise<Undone> {
  return context.manager.withConversation(
    operation.conversationId,
    async (conversation) => {
      conversation.updateInfo({ title: operation.title ?? null });
      await conversation.flush();
      await context.trash.forget(operation);
      return { restored: [], safetyBackup: null };
    },
    "existing",
  );
}

/** The files are as they were found again, damaged or edited as they may be; what the repair had made of them is a backup. */
async function undoRepair(context: UndoContext, operation: Operation): Promise<Undone> {
  const { trash } = context;
  const id = operation.conversationId;
  return context.withRecovery(id, async (recovery) => {
    const { storage, lock, now, compression } = recovery;
    if (!(await trash.has(operation))) return { restored: [], safetyBackup: null };
    const plan = planRecovery(await findConversation(storage, id));
    let safetyBackup: string | null = null;
    if (plan.kind === "usable") {
      const { version } = await recover(recovery, id, plan);
      const bytes = encodeBackup(id, version, { reason: "repair" }, now());
      safetyBackup = (await writeBackup(storage, { id, bytes, compression, now: now() })).timestamp;
    }
    const restored: string[] = [];
    const writeBack = async (file: KeptFile): Promise<void> => {
      const bytes = await trash.readCopy(operation.stamp, file);
      if (bytes === undefined) return;
      await storage.replace(file, bytes, lock);
      restored.push(storage.describe(file));
    };
    // The old journal first: beside the repaired snapshot its records are all in the past, and skipped (I3).
    const journal = operation.files.find(({ name }) => name === journalKey(id).name);
    if (journal === undefined) await storage.remove(journalKey(id));
    else await writeBack(journal);
    const snapshot = operation.files.find(({ name }) => name === snapshotKey(id).name);
    if (snapshot === undefined) await storage.remove(snapshotKey(id));
    else await writeBack(snapshot);
    await trash.forget(operation);
    return { restored, safetyBackup };
  });
}

const UNDO: Readonly<Record<OperationKind, (context: UndoContext, operation: Operation) => Promise<Undone>>> = {
  rm: putBack,
  prune: putBack,
  restore: undoRestore,
  repair: undoRepair,
  rename: undoRename,
};

/** The last operation, or the last one on this conversation. Throws `NOT_FOUND` where there is none. */
export async function undo(context: UndoContext, id: string | undefined): Promise<UndoResult> {
  const operations = await context.trash.operations();
  const last = operations.find((operation) => id === undefined || operation.conversationId === id);
  if (last === undefined) {
    const what = id === undefined ? "there is" : `${id} has`;
    throw new DraftstateError("NOT_FOUND", `${what} nothing to undo: restore, prune, rm, repair and rename can be taken back; "draftstate backups <id>" lists restore points`);
  }
  const together = id === undefined ? operations.filter(({ stamp }) => stamp === last.stamp) : [last];
  const undone: Undone[] = [];
  for (const operation of together) undone.push(await UNDO[operation.kind](context, operation));
  return {
    ...describeOperation(last),
    conversationIds: together.map(({ conversationId }) => conversationId).sort(),
    restored: undone.flatMap(({ restored }) => restored),
    safetyBackup: undone.find(({ safetyBackup }) => safetyBackup !== null)?.safetyBackup ?? null,
  };
}
