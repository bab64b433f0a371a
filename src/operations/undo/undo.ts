/**
 * Takes back what a restore, prune, rm, repair or rename did. What it changes on the way is kept first, as a restore
 * point or in quarantine, so that an undo loses nothing either. Each step can be repeated: a crash in the middle leaves
 * an undo to run again.
 */
import { DraftstateError } from "../../errors.js";
import { planRecovery } from "../../plan/recovery.js";
import { decodeSnapshot } from "../../snapshot/decode.js";
import { encodeBackup, writeBackup } from "../../store/backups.js";
import { beginningOf } from "../fork.js";
import { journalKey, snapshotKey } from "../../store/names.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { findConversation, refusal, versionOf } from "../../store/read.js";
import { copyToQuarantine, recover, type RecoveryContext, type WithRecoveries } from "../../session/recover.js";
import { filesOf } from "../remove.js";
import type { NamedRecord, Trash } from "../../store/trash.js";
import { timeOfStamp, type KeptFile, type Operation, type OperationKind } from "../../store/trash-record.js";

export interface UndoOptions {
  /** Of this conversation alone; left out: whatever was last. */
  readonly id?: string;
  /** Not the last operation but the one of this time, or a prefix of it, as `operations` gives it. */
  readonly at?: string;
}

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
  readonly withRecoveries: WithRecoveries;
  /** Throws `INVALID_ID` where another conversation differs by case alone. */
  readonly assertNoLookalike: (id: string) => Promise<void>;
}

interface Undone {
  readonly restored: readonly string[];
  readonly safetyBackup: string | null;
}

export function describeOperation(operation: Operation): UndoneOperation {
  return { operation: operation.kind, conversationId: operation.conversationId, at: timeOfStamp(operation.stamp).toISOString() };
}

/** Asked again under the lock: two that undo the same take back one operation, not two. */
async function assertStillThere(trash: Trash, operation: Operation): Promise<void> {
  if (await trash.has(operation)) return;
  throw new DraftstateError("NOT_FOUND", `${operation.kind} of ${operation.conversationId} was undone by another process meanwhile: "draftstate undo --list" shows what is left`);
}

/** Throws before anything moves where the id was used again, be it with other files than those that would come back. */
async function assertRoom({ trash, assertNoLookalike }: UndoContext, operation: Operation): Promise<void> {
  const { conversationId: id, kind, files } = operation;
  await trash.assertRoomFor(operation);
  if (kind !== "rm") return;
  await assertNoLookalike(id);
  const present = await filesOf(trash.storage, id);
  const [other] = present;
  // Where some of its own files are there, a removal or an undo was cut off: it goes on.
  const isOwn = present.some(({ area, name }) => files.some((file) => file.area === area && file.name === name));
  if (other !== undefined && !isOwn) throw trash.taken(other);
}

async function putBack(trash: Trash, operation: Operation): Promise<Undone> {
  const restored: string[] = [];
  // The journal before the snapshot that it continues: alone it is no conversation.
  for (const file of [...operation.files].reverse()) {
    if (await trash.putBack(operation.stamp, file)) restored.push(trash.storage.describe(file));
  }
  await trash.forget(operation);
  return { restored, safetyBackup: null };
}

/** All of one command's removals or none: each is looked at before the first file moves. */
async function putAllBack(context: UndoContext, operations: readonly Operation[]): Promise<Undone[]> {
  const { trash } = context;
  return context.withRecoveries(operations.map(({ conversationId }) => conversationId), async () => {
    for (const operation of operations) {
      await assertStillThere(trash, operation);
      await assertRoom(context, operation);
    }
    const undone: Undone[] = [];
    for (const operation of operations) undone.push(await putBack(trash, operation));
    return undone;
  });
}

/** The old content as a new revision, after a backup of the present: as `restore` itself goes back (I4). */
async function undoRestore({ manager, trash }: UndoContext, operation: Operation): Promise<Undone> {
  const { conversationId: id, stamp, files } = operation;
  return manager.withConversation(
    id,
    async (conversation) => {
      await assertStillThere(trash, operation);
      const bytes = files[0] === undefined ? undefined : await trash.readCopy(stamp, files[0]);
      const before = bytes === undefined ? undefined : decodeSnapshot(bytes, id);
      if (before?.kind !== "valid") throw new DraftstateError("CORRUPT", `what ${id} held before the restore cannot be read: "draftstate backups ${id}" lists its restore points`);
      const safetyBackup = await conversation.backup({ reason: "restore" });
      conversation.replaceState(beginningOf(versionOf(before), before.metadata.savedAt).state);
      await conversation.flush();
      await conversation.compact();
      await trash.forget(operation);
      return { restored: [], safetyBackup };
    },
    "existing",
  );
}

async function undoRename({ manager, trash }: UndoContext, operation: Operation): Promise<Undone> {
  return manager.withConversation(
    operation.conversationId,
    async (conversation) => {
      await assertStillThere(trash, operation);
      conversation.updateInfo({ title: operation.title ?? null });
      await conversation.flush();
      await trash.forget(operation);
      return { restored: [], safetyBackup: null };
    },
    "existing",
  );
}

/** As a restore point where it can be one, which also keeps its revision from being used again; else as it is, in quarantine. */
async function keepPresent(recovery: RecoveryContext, id: string): Promise<string | null> {
  const { storage, now, compression } = recovery;
  const plan = planRecovery(await findConversation(storage, id));
  if (plan.kind === "usable") {
    const { version } = await recover(recovery, id, plan);
    const bytes = encodeBackup(id, version, { reason: "repair" }, now());
    return (await writeBackup(storage, { id, bytes, compression, now: now() })).timestamp;
  }
  if (plan.kind === "newer") throw refusal(storage, id, plan);
  for (const key of [snapshotKey(id), journalKey(id)]) await copyToQuarantine(recovery, key);
  return null;
}

/** The files are as they were found again, damaged or edited as they may be. */
async function undoRepair({ trash, withRecoveries }: UndoContext, operation: Operation): Promise<Undone> {
  const { conversationId: id, stamp, files } = operation;
  return withRecoveries([id], async (contexts) => {
    await assertStillThere(trash, operation);
    const recovery = contexts.get(id) as RecoveryContext;
    const { storage, lock } = recovery;
    const safetyBackup = await keepPresent(recovery, id);
    const restored: string[] = [];
    // The old journal first: beside the repaired snapshot its records are all in the past, and skipped (I3).
    for (const { name } of [journalKey(id), snapshotKey(id)]) {
      const file: KeptFile = { area: "state", name };
      const bytes = files.some((kept) => kept.name === name) ? await trash.readCopy(stamp, file) : undefined;
      if (bytes === undefined) await storage.remove(file);
      else {
        await storage.replace(file, bytes, lock);
        restored.push(storage.describe(file));
      }
    }
    await trash.forget(operation);
    return { restored, safetyBackup };
  });
}

function undoAll(context: UndoContext, operations: readonly [Operation, ...Operation[]]): Promise<Undone[]> {
  const [operation] = operations;
  const one = (undone: Promise<Undone>): Promise<Undone[]> => undone.then((each) => [each]);
  switch (operation.kind) {
    case "rm":
    case "prune":
      return putAllBack(context, operations);
    case "restore":
      return one(undoRestore(context, operation));
    case "repair":
      return one(undoRepair(context, operation));
    case "rename":
      return one(undoRename(context, operation));
  }
}

/** Newest first, as the operations are. */
export function fitting<N extends NamedRecord>(operations: readonly N[], { id, at }: UndoOptions): N[] {
  const stamp = at?.replaceAll(/[:.]/g, "-");
  return operations.filter((operation) => (id === undefined || operation.conversationId === id) && (stamp === undefined || operation.stamp.startsWith(stamp)));
}

/** Throws `NOT_FOUND` where there is none, `USAGE` where a time fits several. */
function pick(operations: readonly Operation[], options: UndoOptions): Operation {
  const { id, at } = options;
  const fits = fitting(operations, options);
  const [last] = fits;
  if (last === undefined) {
    const what = id === undefined ? "there is" : `${id} has`;
    const when = at === undefined ? "" : ` at ${JSON.stringify(at)}`;
    throw new DraftstateError("NOT_FOUND", `${what} nothing to undo${when}: restore, prune, rm, repair and rename can be taken back; "draftstate undo --list" shows what is left`);
  }
  if (at !== undefined && fits.some(({ group }) => group !== last.group)) {
    throw new DraftstateError("USAGE", `${JSON.stringify(at)} fits ${fits.length} operations: give more of the time ("draftstate undo --list" shows them)`);
  }
  return last;
}

/** The last operation, the last one on this conversation, or the one of this time. Throws `NEWER_VERSION` where a newer version did it. */
export async function undo(context: UndoContext, options: UndoOptions): Promise<UndoResult> {
  await context.trash.assertNewestIsKnown((named) => fitting([named], options).length > 0);
  const operations = await context.trash.operations();
  const last = pick(operations, options);
  const others = operations.filter((operation) => options.id === undefined && operation !== last && operation.group === last.group && operation.kind === last.kind);
  const together: readonly [Operation, ...Operation[]] = [last, ...others];
  const undone = await undoAll(context, together);
  return {
    ...describeOperation(last),
    conversationIds: [...new Set(together.map(({ conversationId }) => conversationId))].sort(),
    restored: undone.flatMap(({ restored }) => restored),
    safetyBackup: undone.find(({ safetyBackup }) => safetyBackup !== null)?.safetyBackup ?? null,
  };
}
