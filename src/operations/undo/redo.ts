/**
 * Does again what the last undo took back, as a new operation that can be undone like any other. Refused once the conversation was
 * changed since: what came after the undo is never taken away by it.
 */
import { DraftstateError, messageOf } from "../../errors.js";
import type { Sessions } from "../../session/sessions.js";
import type { Lock } from "../../storage/storage.js";
import { listBackupNames } from "../../store/backups.js";
import { undoableOperations } from "../../store/pending.js";
import { ANY_CONTENT, type UndoneRecord } from "../../store/redo-record.js";
import { warn, type Store } from "../../store/store.js";
import { timeOfStamp, type Operation } from "../../store/trash-record.js";
import { isStanding, logRedo, undoLog, withRedone } from "../../store/undo-log.js";
import { pruneAgain } from "../prune.js";
import type { Redoing } from "../redoing.js";
import { removeAll } from "../remove.js";
import { rename } from "../rename.js";
import { repair } from "../repair.js";
import { restore } from "../restore.js";
import { markOf } from "./mark.js";
import { settled } from "./undo.js";
import { describeOperation, type UndoneOperation } from "./undone.js";

export interface RedoResult extends UndoneOperation {
  /** Every conversation that it was done to again. */
  readonly conversationIds: readonly string[];
  /** Of a restore: timestamp of the backup that holds what was there before; else null. */
  readonly safetyBackup: string | null;
}

export interface LoggedUndo extends UndoneOperation {
  /** ISO 8601: when it was undone. */
  readonly undoneAt: string;
  /** Whether `redo` can do it again: nothing was done to the conversation since. */
  readonly canRedo: boolean;
}

/** What was undone, newest first. */
export async function loggedUndos(store: Store): Promise<LoggedUndo[]> {
  const operations = await undoableOperations(store);
  const entries = withRedone(await undoLog(store.storage, await store.trash.records.names()), operations);
  const shown: LoggedUndo[] = [];
  for (const entry of entries.filter(({ operation }) => !operations.some(isSame(operation))))
    shown.push({
      ...describeOperation(entry.operation),
      undoneAt: timeOfStamp(entry.stamp).toISOString(),
      canRedo: isStanding(entry, operations) && (await isUnchanged(store, entry)) && (await hasItsBackup(store, entry)),
    });
  return shown;
}

/** Its undo was cut off, and is offered still. */
function isSame({ stamp, conversationId }: Operation): (other: Operation) => boolean {
  return (other) => other.stamp === stamp && other.conversationId === conversationId;
}

/** Of a restore: what its undo replaced is in a backup, which retention may have taken away. */
async function hasItsBackup({ storage }: Store, { operation, safetyBackup }: UndoneRecord): Promise<boolean> {
  if (operation.kind !== "restore") return true;
  const names = await listBackupNames(storage, operation.conversationId).catch(() => []);
  return names.some(({ timestamp }) => timestamp === safetyBackup);
}

/** What was spilled since is a change too. */
async function isUnchanged(store: Store, { mark, operation: { conversationId } }: UndoneRecord): Promise<boolean> {
  if (mark === ANY_CONTENT) return true;
  const spilled = await store.spills?.find(conversationId).catch(() => undefined);
  if (spilled !== undefined && spilled.length > 0) return false;
  return mark === (await markOf(store, conversationId).catch(() => undefined));
}

/** Of a conversation, or whatever was undone last. Throws `NOT_FOUND` where there is nothing to do again, `USAGE` where the conversation was changed since. */
export async function redo(store: Store, sessions: Sessions, id: string | undefined): Promise<RedoResult> {
  if (!store.trash.keeps) throw nothingKept();
  await settled(store, sessions, id);
  const entries = await standing(store, id);
  const [last] = entries;
  if (last === undefined) throw nothingToRedo(id);
  const together = id === undefined ? entries.filter(({ stamp }) => stamp === last.stamp) : [last];
  const from = new Map<string, string>();
  const check = async (each: string, mark: string): Promise<void> => {
    const entry = (await standing(store, each))[0];
    if (entry?.stamp !== last.stamp) throw nothingToRedo(each);
    if (entry.mark !== ANY_CONTENT && entry.mark !== mark) throw changedSince(entry);
    from.set(each, mark);
  };
  const done = async (each: string, to: string, guard: Lock): Promise<void> => {
    const entry = together.find(({ operation }) => operation.conversationId === each);
    if (entry !== undefined) await close(store, entry, { from: from.get(each) ?? "", to }, guard);
  };
  const redoing = { of: last.stamp, check, done };
  const safetyBackup = await doAgain(store, sessions, [last, ...together.filter((entry) => entry !== last)], redoing);
  return {
    ...describeOperation(last.operation),
    conversationIds: together.map(({ operation: { conversationId } }) => conversationId).sort(),
    safetyBackup,
  };
}

async function standing(store: Store, id: string | undefined): Promise<UndoneRecord[]> {
  const [names, operations] = [await store.trash.records.names(), await store.trash.records.operations(id)];
  return withRedone(await undoLog(store.storage, names, id), operations).filter((entry) =>
    isStanding(entry, operations),
  );
}

/** Gives the safety backup of a restore. */
async function doAgain(
  store: Store,
  sessions: Sessions,
  entries: readonly [UndoneRecord, ...UndoneRecord[]],
  redoing: Redoing,
): Promise<string | null> {
  const [{ operation, safetyBackup }] = entries;
  const { kind, conversationId: id, accept = false } = operation;
  const operations = entries.map((entry) => entry.operation);
  switch (kind) {
    case "rm": {
      const ids = operations.map(({ conversationId }) => conversationId);
      await removeAll(store, sessions, ids, {}, redoing);
      return null;
    }
    case "prune":
      await pruneAgain(store, sessions, operations, redoing);
      return null;
    case "rename":
      await rename(store, sessions, id, operation.renamedTo ?? "", redoing);
      return null;
    case "repair":
      await repair(sessions, id, { accept }, redoing);
      return null;
    case "restore":
      return (await restore(store, sessions, id, safetyBackup ?? "", {}, redoing)).safetyBackup;
  }
}

/** The record of the operation tells that it was done again: where the log cannot be written, nothing is offered twice. */
async function close(
  store: Store,
  entry: UndoneRecord,
  moved: { readonly from: string; readonly to: string },
  guard: Lock,
): Promise<void> {
  const { conversationId: id } = entry.operation;
  try {
    const operations = await store.trash.records.operations(id);
    await logRedo(store.storage, entry, { moved, operations }, guard);
  } catch (error) {
    warn(store, id, `it is done again, but that could not be logged: ${messageOf(error)}`, error);
  }
}

/** What is done again can be undone again. */
function nothingKept(): DraftstateError {
  return new DraftstateError(
    "USAGE",
    "nothing is kept for undo (trashDays is 0), so nothing is done again: run the operation itself",
  );
}

function nothingToRedo(id: string | undefined): DraftstateError {
  const whose = id === undefined ? "there is nothing to redo" : `${id} has nothing to redo`;
  return new DraftstateError(
    "NOT_FOUND",
    `${whose}: redo reverts an undo, until another operation comes after it; manager.undone() lists what was undone`,
  );
}

function changedSince({ operation: { kind, conversationId } }: UndoneRecord): DraftstateError {
  return new DraftstateError(
    "USAGE",
    `${conversationId} was changed since its ${kind} was undone, and a redo would take that away: run ${kind} itself`,
  );
}
