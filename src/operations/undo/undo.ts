/**
 * Takes back what a restore, prune, rm, repair or rename did: chooses the operation, and asks again in its conversation's turn whether it
 * is still the one. A crash in the middle leaves an undo to run again.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import type { Sessions } from "../../session/sessions.js";
import { assertStoreInReach } from "../../store/away.js";
import { pendingIds } from "../../store/pending.js";
import type { Store } from "../../store/store.js";
import type { Operation } from "../../store/trash-record.js";
import type { KeptChange } from "../../threads/thread-trash.js";
import type { Threads } from "../../threads/threads.js";
import { assertStillLast, undoAll } from "./take-back.js";
import { settleChanges, threadChanges, undoThreadChanges } from "./thread-changes.js";
import { describeOperation, fitting, Overtaken, type UndoOptions, type UndoResult } from "./undone.js";

const MAX_ATTEMPTS = 8;

/** Throws `NOT_FOUND` if there is none, `USAGE` where a time fits several. */
function pick(operations: readonly Operation[], options: UndoOptions): Operation {
  const { id, at } = options;
  const fits = fitting(operations, options);
  const [last] = fits;
  if (last === undefined) {
    const what = id === undefined ? "there is" : `${id} has`;
    const when = at === undefined ? "" : ` at ${JSON.stringify(at)}`;
    throw new DraftstateError(
      "NOT_FOUND",
      `${what} nothing to undo${when}: restore, prune, rm, repair and rename can be undone; manager.operations() lists what is left`,
    );
  }
  if (at !== undefined && fits.some(({ group }) => group !== last.group)) {
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(at)} matches ${fits.length} operations: give more of the time (manager.operations() lists them)`,
    );
  }
  return last;
}

/** The names in the trash once what was left undecided is settled, and why that could not be of some conversations. */
export interface Settled {
  readonly names: readonly string[];
  readonly unsettled: ReadonlyMap<string, unknown>;
}

export async function settled(store: Store, sessions: Sessions, wanted: string | undefined): Promise<Settled> {
  const { trash } = store;
  const names = await trash.records.names();
  if (names.length === 0 && !(await store.storage.exists())) await assertStoreInReach(store);
  const ids = pendingIds(names).filter((id) => wanted === undefined || id === wanted);
  const unsettled = new Map<string, unknown>();
  for (const id of ids) {
    // Holding the lock settles it; another process that holds it now is about to.
    await sessions
      .guarded(id, () => Promise.resolve())
      .catch((error: unknown) => {
        if (isDraftstateError(error, "STORAGE")) unsettled.set(id, error);
        else if (!isDraftstateError(error, "LOCKED")) throw error;
      });
  }
  return { names: ids.length === 0 ? names : await trash.records.names(), unsettled };
}

/** What was done last, to a conversation or a thread. */
interface Last {
  readonly stamp: string;
  readonly conversationId?: string;
}

function newest([operation]: readonly Operation[], [change]: readonly KeptChange[]): Last | undefined {
  if (change === undefined) return operation;
  return operation === undefined || change.stamp > operation.stamp ? { stamp: change.stamp } : operation;
}

/** What cannot be settled is in the way of its own conversation, and of an undo of whatever was last where it may have been that. */
async function assertNoneUnsettledSince(
  { trash }: Store,
  { unsettled }: Settled,
  last: Last | undefined,
): Promise<void> {
  for (const [id, error] of unsettled) {
    if (last === undefined || last.conversationId === id) throw error;
    const pending = await trash.records.pending(id);
    if (pending === undefined || pending.stamp > last.stamp) throw error;
  }
}

/** Of what was last, to a conversation or a thread. Throws `USAGE` where a time fits both. */
function isThreadsTurn(
  [last]: readonly Operation[],
  [change]: readonly KeptChange[],
  { id, at, kind }: UndoOptions,
): boolean {
  if (kind === "thread" && change === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `thread ${JSON.stringify(id)} has nothing to undo${at === undefined ? "" : ` at ${JSON.stringify(at)}`}: manager.operations() lists what is left`,
    );
  if (last === undefined || change === undefined) return change !== undefined;
  if (at !== undefined)
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(at)} matches several operations: give more of the time (manager.operations() lists them)`,
    );
  return change.stamp > last.stamp;
}

/** The last operation, the last one on this conversation, or the one of this time. Throws `NEWER_VERSION` where a newer version did it. */
export async function undo(
  store: Store,
  sessions: Sessions,
  threads: Threads,
  options: UndoOptions,
): Promise<UndoResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await undoLast(store, sessions, threads, options);
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      if (attempt === MAX_ATTEMPTS)
        throw new DraftstateError(
          "LOCKED",
          "other operations keep happening: choose one with manager.undo(id, { at }); nothing was undone",
        );
    }
  }
}

async function undoLast(store: Store, sessions: Sessions, threads: Threads, options: UndoOptions): Promise<UndoResult> {
  const { id, at } = options;
  const found = await settled(store, sessions, options.kind === "thread" ? "" : id);
  const operations = await store.trash.records.latest(
    (named) => fitting([named], options).length > 0,
    at === undefined,
    found.names,
  );
  await settleChanges(threads, options);
  const changes = await threadChanges(threads, options);
  if (at === undefined) await assertNoneUnsettledSince(store, found, newest(operations, changes));
  if (isThreadsTurn(operations, changes, options)) return undoThreadChanges(store, threads, changes, options);
  const last = pick(operations, options);
  const others = operations.filter(
    (operation) =>
      id === undefined && operation !== last && operation.group === last.group && operation.kind === last.kind,
  );
  const together: readonly [Operation, ...Operation[]] = [last, ...others];
  const chosen = { trash: store.trash, threads, options };
  const undone = await undoAll(store, sessions, chosen, together).catch(async (error: unknown) => {
    // The conversation may have been removed before the undo had its turn: that is the last operation now.
    if (isDraftstateError(error, "NOT_FOUND") && (await store.trash.records.has(last)))
      await assertStillLast(chosen, last);
    throw error;
  });
  return {
    ...describeOperation(last),
    conversationIds: [...new Set(together.map(({ conversationId }) => conversationId))].sort(),
    restored: undone.flatMap(({ restored }) => restored),
    safetyBackup: undone.find(({ safetyBackup }) => safetyBackup !== null)?.safetyBackup ?? null,
  };
}
