/** What an undo is asked for, which operation that is, and what came of it. */
import type { NamedRecord } from "../../store/operation-records.js";
import { timeOfStamp, type Operation, type OperationKind } from "../../store/trash-record.js";

export interface UndoOptions {
  /** Of this conversation or thread alone; left out: whatever was last. */
  readonly id?: string;
  /** What the id names: a conversation unless said. */
  readonly kind?: Kind;
  /** Not the last operation but the one of this time, or a prefix of it, as `operations` gives it. */
  readonly at?: string;
}

/** What an operation was done to: a conversation, or a thread of a LangGraph graph. */
export type Kind = "conversation" | "thread";

export interface UndoneOperation {
  readonly operation: OperationKind;
  readonly kind: Kind;
  /** Of the conversation or thread. */
  readonly conversationId: string;
  /** ISO 8601: when the operation was done. */
  readonly at: string;
}

export interface UndoResult extends UndoneOperation {
  /** Every conversation that the one command had changed. */
  readonly conversationIds: readonly string[];
  /** Where the files are that are back, for messages. */
  readonly restored: readonly string[];
  /** Timestamp of the backup that holds what was there before the undo; null where nothing was replaced. */
  readonly safetyBackup: string | null;
}

export interface UndoPreview {
  readonly operation: OperationKind;
  readonly kind: Kind;
  /** Of the conversation or thread. */
  readonly conversationId: string;
  /** ISO 8601: when the operation was done. */
  readonly at: string;
  /** Files that it took away or copied. */
  readonly files: number;
  /** Of a rename: the title that it gave and the one that comes back. */
  readonly titles?: { readonly from: string; readonly to: string };
  /** Of a restore: the point it went back to, where that can be told, and what comes back. */
  readonly restored?: { readonly point: string | null; readonly messageCount: number; readonly revision: number };
  /** Other conversations that the same command did this to: an undo without an id takes it back of them too. */
  readonly together: readonly string[];
  /** Of a restore or repair: something was said since, and is replaced by the undo (which keeps a backup of it). */
  readonly changedSince: boolean;
}

export interface PreviewOptions extends UndoOptions {
  /** Only of the one that an undo would take. */
  readonly last?: boolean;
}

export function describeOperation(operation: Operation): UndoneOperation {
  return {
    operation: operation.kind,
    kind: "conversation",
    conversationId: operation.conversationId,
    at: timeOfStamp(operation.stamp).toISOString(),
  };
}

/** Another operation came before the undo had its turn: that is the last one now. */
export class Overtaken extends Error {}

/** Newest first, as the operations are. */
export function fitting<Named extends NamedRecord>(
  operations: readonly Named[],
  { id, at, kind }: UndoOptions,
): Named[] {
  if (kind === "thread") return [];
  return operations.filter(
    ({ conversationId, stamp }) => (id === undefined || conversationId === id) && isOf(stamp, at),
  );
}

/** `at`: a time, or a prefix of one. */
export function isOf(stamp: string, at: string | undefined): boolean {
  return at === undefined || stamp.startsWith(at.replaceAll(/[:.]/g, "-"));
}
