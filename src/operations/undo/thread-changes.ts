/** What was done to LangGraph threads, in the order of all operations: found in the trash, and taken back. */
import { DraftstateError, isDraftstateError, messageOf } from "../../errors.js";
import { segmentKey, threadName } from "../../store/names.js";
import type { Store } from "../../store/store.js";
import type { ThreadChange } from "../../store/thread-record.js";
import { timeOfStamp, type OperationKind } from "../../store/trash-record.js";
import { changesInTrash, unmovedChanges, type KeptChange } from "../../threads/thread-trash.js";
import type { Threads } from "../../threads/threads.js";
import { settle, undoThread } from "../../threads/undo.js";
import { fitting, isOf, Overtaken, type UndoneOperation, type UndoOptions, type UndoResult } from "./undone.js";

const OPERATIONS: Readonly<Record<ThreadChange, OperationKind>> = { delete: "rm", prune: "prune", repair: "repair" };

export function describeChange({ kind, threadId, stamp }: KeptChange): UndoneOperation {
  return {
    operation: OPERATIONS[kind],
    kind: "thread",
    conversationId: threadId,
    at: timeOfStamp(stamp).toISOString(),
  };
}

/** Those that fit, newest first; without a time the newest, and what the same command did. Throws `NEWER_VERSION`. */
export async function threadChanges(
  { store: { storage } }: Threads,
  { id, kind, at }: UndoOptions,
): Promise<KeptChange[]> {
  if (kind === "conversation" || (kind === undefined && id !== undefined)) return [];
  const name = id === undefined ? undefined : threadName(id);
  return changesInTrash(storage, {
    fits: ({ thread, stamp }) => (name === undefined || thread === name) && isOf(stamp, at),
    groupOnly: at === undefined,
  });
}

/** What crashes cut off is finished, so that it can be undone. A thread that another process has, or that is damaged, stays as it is. */
export async function settleChanges(threads: Threads, { id, kind }: UndoOptions): Promise<void> {
  if (kind === "conversation" || (kind === undefined && id !== undefined)) return;
  for (const { threadId } of await unmovedChanges(threads.store.storage)) {
    if (id !== undefined && threadId !== id) continue;
    await settle(threads.get(threadId)).catch((error: unknown) => {
      if (!isDraftstateError(error, "LOCKED")) throw error;
    });
  }
}

/** All of what the command of the newest did, one after another. Throws `USAGE` where a time fits several commands. */
export async function undoThreadChanges(
  store: Store,
  threads: Threads,
  changes: readonly KeptChange[],
  options: UndoOptions,
): Promise<UndoResult> {
  const [last] = changes;
  if (last === undefined) throw new RangeError("no change to undo");
  if (changes.some(({ group }) => group !== last.group))
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(options.at)} matches ${changes.length} operations: give more of the time (manager.operations() lists them)`,
    );
  const together = options.id === undefined ? changes : [last];
  const done: KeptChange[] = [];
  for (const change of together) {
    const check = (): Promise<void> => assertStillLast(store, threads, change, options);
    await undoThread(store, threads.get(change.threadId), { stamp: change.stamp, check }).catch((error: unknown) => {
      throw stoppedAfter(done, error);
    });
    done.push(change);
  }
  return {
    ...describeChange(last),
    conversationIds: together.map(({ threadId }) => threadId).sort(),
    restored: together.flatMap(({ thread, segments }) =>
      segments.map((segment) => store.storage.describe(segmentKey(thread, segment))),
    ),
    safetyBackup: null,
  };
}

/** Nothing older is taken back than what is last by now. */
async function assertStillLast(
  store: Store,
  threads: Threads,
  { stamp, group }: KeptChange,
  options: UndoOptions,
): Promise<void> {
  if (options.at !== undefined) return;
  const [change] = await threadChanges(threads, options);
  if (change !== undefined && change.stamp > stamp && change.group !== group) throw new Overtaken();
  if (options.id !== undefined) return;
  const [operation] = await store.trash.records.latest((named) => fitting([named], options).length > 0, true);
  if (operation !== undefined && operation.stamp > stamp) throw new Overtaken();
}

/** What an error half-way through several means for those that went before it. */
function stoppedAfter(done: readonly KeptChange[], error: unknown): unknown {
  if (done.length === 0 || error instanceof Overtaken) return error;
  return new DraftstateError(
    isDraftstateError(error) ? error.code : "STORAGE",
    `${messageOf(error)}; ${done.map(({ threadId }) => threadId).join(", ")} came back before it: run undo again for the rest`,
    { cause: error },
  );
}

/** All that can be undone, newest first. */
export function undoableChanges({ store: { storage } }: Threads): Promise<KeptChange[]> {
  return changesInTrash(storage, { fits: () => true, skipNewer: true });
}
