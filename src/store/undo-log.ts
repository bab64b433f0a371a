/**
 * The log of undos in the trash. An entry is written once its undo is durable, and before the record of the operation goes: while
 * that record is there the undo is not through, and the entry counts for nothing. So it does once the operation was done again, or
 * another one on the conversation came after it. All entries of a conversation that can be done again have one mark: what it is now.
 */
import { isDraftstateError } from "../errors.js";
import type { Lock, Storage } from "../storage/storage.js";
import {
  ABSENT,
  ANY_CONTENT,
  decodeUndone,
  encodeUndone,
  markOfRevision,
  parseUndoneName,
  revisionOfMark,
  undoneRecordKey,
  type NamedUndone,
  type UndoneRecord,
} from "./redo-record.js";
import type { Operation } from "./trash-record.js";

const MAX_ENTRY_BYTES = 32 * 1024 * 1024;

/** Newest first, of all conversations or of one; what cannot be read is left out. */
export async function undoLog(storage: Storage, names: readonly string[], id?: string): Promise<UndoneRecord[]> {
  const entries: UndoneRecord[] = [];
  for (const named of names.toReversed().flatMap((name) => parseUndoneName(name) ?? [])) {
    const entry = id === undefined || named.conversationId === id ? await readEntry(storage, named) : undefined;
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

async function readEntry(storage: Storage, named: NamedUndone): Promise<UndoneRecord | undefined> {
  try {
    const bytes = await storage.read(undoneRecordKey(named), { maxBytes: MAX_ENTRY_BYTES });
    return bytes === undefined ? undefined : decodeUndone(bytes, named);
  } catch (error) {
    // Too large, a directory, a link: one bad entry hides no other.
    if (isDraftstateError(error, "CORRUPT")) return undefined;
    throw error;
  }
}

/** Whether nothing was done to the conversation since: `operations` are those on it that can be undone. */
export function isStanding({ stamp, operation }: UndoneRecord, operations: readonly Operation[]): boolean {
  return operations.every((other) => {
    if (other.conversationId !== operation.conversationId) return true;
    if (other.stamp === operation.stamp) return false;
    return other.stamp < stamp || (other.redoOf !== undefined && other.redoOf !== stamp);
  });
}

/**
 * A redo that was killed before it was logged: the operation tells of it. Its entry goes, and those of the same mark stand on what
 * the operation made of the conversation.
 */
export function withRedone(entries: readonly UndoneRecord[], operations: readonly Operation[]): UndoneRecord[] {
  return operations.reduceRight<UndoneRecord[]>(
    (log, operation) => {
      const redone = log.find(
        (entry) => entry.stamp === operation.redoOf && entry.operation.conversationId === operation.conversationId,
      );
      if (redone === undefined) return log;
      const isCarried = ({ mark, operation: other }: UndoneRecord): boolean =>
        redone.mark !== ANY_CONTENT && mark === redone.mark && other.conversationId === operation.conversationId;
      return log
        .filter((entry) => entry !== redone)
        .map((entry) => (isCarried(entry) ? { ...entry, mark: markAfter(operation, entry.mark) } : entry));
    },
    [...entries],
  );
}

/** What the operation made of its conversation: a rename is one revision. */
function markAfter({ kind, revision }: Operation, before: string): string {
  if (kind === "rm") return ABSENT;
  if (kind === "rename") return markOfRevision((revisionOfMark(before) ?? 0) + 1);
  return revision === undefined ? before : markOfRevision(revision);
}

/** What the conversation was and is, where an undo or redo changed it. */
export interface Moved {
  readonly from: string;
  readonly to: string;
}

export interface Undoing {
  readonly entry: UndoneRecord;
  /** Of the trash, under the conversation's lock. */
  readonly names: readonly string[];
  readonly from: string;
}

/** The undo is durable. Entries of before the operation are over; the others stand on what the conversation is now. */
export async function logUndo(storage: Storage, { entry, names, from }: Undoing, guard: Lock): Promise<void> {
  const { operation } = entry;
  const isOver = (other: UndoneRecord): boolean =>
    other.operation.stamp === operation.stamp ||
    (operation.redoOf === undefined ? other.stamp < operation.stamp : other.stamp === operation.redoOf);
  const log = await undoLog(storage, names, operation.conversationId);
  for (const other of log) if (isOver(other)) await storage.remove(keyOf(other), guard);
  for (const other of withRedone(log, [operation]))
    if (!isOver(other)) await carry(storage, other, { from, to: entry.mark }, guard);
  await storage.replace(keyOf(entry), encodeUndone(entry), guard);
}

/** It was done again: its entry goes, and those below it can be done next. */
export async function logRedo(
  storage: Storage,
  entry: UndoneRecord,
  { moved, operations }: { readonly moved: Moved; readonly operations: readonly Operation[] },
  guard: Lock,
): Promise<void> {
  const log = await undoLog(storage, await storage.list("trash"), entry.operation.conversationId);
  const earlier = operations.filter(({ redoOf }) => redoOf !== entry.stamp);
  const left = withRedone(log, earlier).filter(({ stamp }) => stamp !== entry.stamp);
  for (const other of log)
    if (!left.some(({ stamp }) => stamp === other.stamp)) await storage.remove(keyOf(other), guard);
  for (const other of left) await carry(storage, other, moved, guard);
}

/** One whose conversation was changed before can never be done again. */
async function carry(storage: Storage, entry: UndoneRecord, { from, to }: Moved, guard: Lock): Promise<void> {
  if (entry.mark === ANY_CONTENT || from === to) return;
  if (entry.mark === from) await storage.replace(keyOf(entry), encodeUndone({ ...entry, mark: to }), guard);
  else await storage.remove(keyOf(entry), guard);
}

/** The conversation is gone for good. */
export async function forgetUndos(storage: Storage, names: readonly string[], id: string, guard: Lock): Promise<void> {
  for (const named of names.flatMap((name) => parseUndoneName(name) ?? []))
    if (named.conversationId === id) await storage.remove(undoneRecordKey(named), guard);
}

function keyOf({ stamp, operation: { conversationId } }: UndoneRecord): ReturnType<typeof undoneRecordKey> {
  return undoneRecordKey({ stamp, conversationId });
}
