/**
 * Takes back what a restore, prune, rm, repair or rename did. What it changes on the way is kept first, as a backup or in
 * quarantine, so that an undo loses nothing either. Each step can be repeated: a crash in the middle leaves an undo to run
 * again.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import { ended } from "../../model/interruption.js";
import { decodeSnapshot, versionOf } from "../../snapshot/decode.js";
import { takeStock } from "../../session/open.js";
import { recover, type Locked } from "../../session/recover.js";
import type { Sessions } from "../../session/sessions.js";
import { assertStoreInReach } from "../../store/away.js";
import { listBackupNames, writeBackup } from "../../store/backups.js";
import { journalKey, snapshotKey } from "../../store/names.js";
import { pendingIds } from "../../store/pending.js";
import { copyToQuarantine } from "../../store/quarantine.js";
import { refusal } from "../../store/read.js";
import type { Store } from "../../store/store.js";
import type { Trash } from "../../store/trash.js";
import type { KeptFile, Operation } from "../../store/trash-record.js";
import { filesOf } from "../remove.js";
import { foldIn, replaceWithBackup } from "../restore.js";
import type { KeptChange } from "../../threads/thread-trash.js";
import type { Threads } from "../../threads/threads.js";
import { settleChanges, threadChanges, undoThreadChanges } from "./thread-changes.js";
import { describeOperation, fitting, Overtaken, type UndoOptions, type UndoResult } from "./undone.js";

const MAX_ATTEMPTS = 8;

interface Undone {
  readonly restored: readonly string[];
  readonly safetyBackup: string | null;
}

/** The operation that an undo chose, to be asked about again in its conversation's turn. */
interface Chosen {
  readonly trash: Trash;
  readonly threads: Threads;
  readonly options: UndoOptions;
}

/** Two that undo the same take back one operation, not two; and nothing older is taken back than what is last by now. */
async function assertStillLast({ trash, threads, options }: Chosen, operation: Operation): Promise<void> {
  if (!(await trash.records.has(operation))) throw isUndone(operation);
  if (options.at !== undefined) return;
  const pending = await trash.records.pending(operation.conversationId);
  if (pending !== undefined && pending.stamp > operation.stamp) throw new Overtaken();
  const [last] = await trash.records.latest((named) => fitting([named], options).length > 0, true);
  if (last !== undefined && last.stamp > operation.stamp && last.group !== operation.group) throw new Overtaken();
  const [change] = await threadChanges(threads, options);
  if (change !== undefined && change.stamp > operation.stamp) throw new Overtaken();
}

function isUndone({ kind, conversationId }: Operation): DraftstateError {
  return new DraftstateError(
    "NOT_FOUND",
    `${kind} of ${conversationId} was undone meanwhile: "draftstate undo --list" shows what is left`,
  );
}

/** Throws before anything moves where the id was used again (`taken`), be it with other files than those that would come back. */
async function assertRoom(store: Store, taken: ReadonlySet<string>, operation: Operation): Promise<void> {
  const { conversationId: id, kind, files } = operation;
  const { trash } = store;
  await trash.files.assertRoomFor(operation);
  if (kind !== "rm") return;
  // Its own files were looked at above: these are others of the id.
  const present = taken.has(id) ? await filesOf(store, id) : [];
  const [other] = present;
  // Where some of its own files are there, a removal or an undo was cut off: it continues.
  const isOwn = present.some(({ area, name }) => files.some((file) => file.area === area && file.name === name));
  if (other !== undefined && !isOwn) throw trash.files.taken(other);
}

async function putBack({ store, guard }: Locked, operation: Operation): Promise<Undone> {
  const { trash, storage } = store;
  const restored: string[] = [];
  // The journal before the snapshot that it continues: alone it is no conversation.
  for (const file of [...operation.files].reverse()) {
    if (await trash.files.putBack(operation.stamp, file, guard)) restored.push(storage.describe(file));
  }
  await trash.forget(operation, guard);
  return { restored, safetyBackup: null };
}

function lockedOf(held: ReadonlyMap<string, Locked>, { conversationId }: Operation): Locked {
  const locked = held.get(conversationId);
  if (locked === undefined) throw new RangeError(`${conversationId} is not locked`);
  return locked;
}

/** All of what one command took or none: each is looked at under all locks before the first file moves. Backups come back beside an open conversation, too. */
function putAllBack(
  store: Store,
  sessions: Sessions,
  chosen: Chosen,
  operations: readonly [Operation, ...Operation[]],
): Promise<Undone[]> {
  const { trash } = store;
  const ids = operations.map(({ conversationId }) => conversationId);
  const isRemoval = operations[0].kind === "rm";
  const act = async (held: ReadonlyMap<string, Locked>): Promise<Undone[]> => {
    // Under the locks nobody uses the ids any more. Backups come back beside what is there.
    const taken = isRemoval ? await sessions.taken(ids) : new Set<string>();
    for (const operation of operations) {
      await assertStillLast(chosen, operation);
      await assertRoom(store, taken, operation);
    }
    // Of all before the first file moves: what was too old may be on its way out of the trash.
    for (const operation of operations)
      if (!(await trash.claim(operation, lockedOf(held, operation).guard))) throw isUndone(operation);
    const undone: Undone[] = [];
    for (const operation of operations) undone.push(await putBack(lockedOf(held, operation), operation));
    return undone;
  };
  return isRemoval ? sessions.exclusive(ids, act) : sessions.guardedAll(ids, act);
}

/** The old content as a new revision, after a backup of the present: as `restore` itself goes back (I4). */
function undoRestore(store: Store, sessions: Sessions, chosen: Chosen, operation: Operation): Promise<Undone> {
  const { trash } = store;
  const { conversationId: id, stamp, files } = operation;
  return sessions.use(
    id,
    async (session) => {
      await assertStillLast(chosen, operation);
      const bytes = files[0] === undefined ? undefined : await trash.files.readCopy(stamp, files[0]);
      const before = bytes === undefined ? undefined : decodeSnapshot(bytes, id);
      if (before?.kind !== "valid")
        throw new DraftstateError(
          "CORRUPT",
          `what ${id} held before the restore cannot be read: "draftstate backups ${id}" lists its backups`,
        );
      const safetyBackup = await replaceWithBackup(session, ended(versionOf(before), before.metadata.savedAt).state);
      await trash.forget(operation, session.lock);
      await foldIn(store, session);
      return { restored: [], safetyBackup };
    },
    "existing",
  );
}

function undoRename({ trash }: Store, sessions: Sessions, chosen: Chosen, operation: Operation): Promise<Undone> {
  return sessions.use(
    operation.conversationId,
    async (session) => {
      await assertStillLast(chosen, operation);
      const before = session.info.title ?? null;
      const title = operation.title ?? null;
      try {
        session.updateInfo({ title });
        await session.flush();
      } catch (error) {
        // An undo that was refused is not made by the next save either.
        if (before !== title && (session.info.title ?? null) === title && !session.isClosed)
          session.updateInfo({ title: before });
        throw error;
      }
      await trash.forget(operation, session.lock);
      return { restored: [], safetyBackup: null };
    },
    "existing",
  );
}

/** As a backup where it can be one, which also keeps its revision from being used again; else as it is, in quarantine. */
async function keepPresent(locked: Locked): Promise<string | null> {
  const { store, id, guard } = locked;
  const {
    storage,
    now,
    settings: { compression },
  } = store;
  const { plan } = await takeStock(locked);
  if (plan.kind === "usable") {
    const { version } = await recover(locked, plan);
    const newest = (await listBackupNames(storage, id))[0]?.timestamp;
    return (
      await writeBackup(storage, { id, version, note: { reason: "repair" }, compression, now: now(), guard, newest })
    ).timestamp;
  }
  if (plan.kind === "newer") throw refusal(storage, id, plan);
  for (const key of [snapshotKey(id), journalKey(id)]) await copyToQuarantine(store, key, guard);
  return null;
}

/** The files are as they were found again, damaged or edited as they may be. */
function undoRepair(
  { trash, storage }: Store,
  sessions: Sessions,
  chosen: Chosen,
  operation: Operation,
): Promise<Undone> {
  const { conversationId: id, stamp, files } = operation;
  return sessions.exclusive([id], async (held) => {
    await assertStillLast(chosen, operation);
    const locked = lockedOf(held, operation);
    const { guard } = locked;
    const copies = new Map<string, Uint8Array>();
    for (const file of files) {
      const bytes = await trash.files.readCopy(stamp, file);
      if (bytes === undefined)
        throw new DraftstateError(
          "CORRUPT",
          `what ${id} was before its repair is no longer in the trash: "draftstate backups ${id}" lists its backups`,
        );
      copies.set(file.name, bytes);
    }
    const safetyBackup = await keepPresent(locked);
    const restored: string[] = [];
    // The old journal first: beside the repaired snapshot its records are all in the past, and skipped (I3).
    for (const { name } of [journalKey(id), snapshotKey(id)]) {
      const file: KeptFile = { area: "state", name };
      const bytes = copies.get(name);
      if (bytes === undefined) await storage.remove(file, guard);
      else {
        await storage.replace(file, bytes, guard);
        restored.push(storage.describe(file));
      }
    }
    await trash.forget(operation, guard);
    return { restored, safetyBackup };
  });
}

async function undoAll(
  store: Store,
  sessions: Sessions,
  chosen: Chosen,
  operations: readonly [Operation, ...Operation[]],
): Promise<Undone[]> {
  const [operation] = operations;
  switch (operation.kind) {
    case "rm":
    case "prune":
      return putAllBack(store, sessions, chosen, operations);
    case "restore":
      return [await undoRestore(store, sessions, chosen, operation)];
    case "repair":
      return [await undoRepair(store, sessions, chosen, operation)];
    case "rename":
      return [await undoRename(store, sessions, chosen, operation)];
  }
}

/** Throws `NOT_FOUND` where there is none, `USAGE` where a time fits several. */
function pick(operations: readonly Operation[], options: UndoOptions): Operation {
  const { id, at } = options;
  const fits = fitting(operations, options);
  const [last] = fits;
  if (last === undefined) {
    const what = id === undefined ? "there is" : `${id} has`;
    const when = at === undefined ? "" : ` at ${JSON.stringify(at)}`;
    throw new DraftstateError(
      "NOT_FOUND",
      `${what} nothing to undo${when}: restore, prune, rm, repair and rename can be undone; "draftstate undo --list" shows what is left`,
    );
  }
  if (at !== undefined && fits.some(({ group }) => group !== last.group)) {
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(at)} matches ${fits.length} operations: give more of the time ("draftstate undo --list" shows them)`,
    );
  }
  return last;
}

/** The names in the trash once what was left undecided is settled, and why that could not be of some conversations. */
interface Settled {
  readonly names: readonly string[];
  readonly unsettled: ReadonlyMap<string, unknown>;
}

async function settled(store: Store, sessions: Sessions, wanted: string | undefined): Promise<Settled> {
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
      `thread ${JSON.stringify(id)} has nothing to undo${at === undefined ? "" : ` at ${JSON.stringify(at)}`}: "draftstate undo --list" shows what is left`,
    );
  if (last === undefined || change === undefined) return change !== undefined;
  if (at !== undefined)
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(at)} matches several operations: give more of the time ("draftstate undo --list" shows them)`,
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
          'other operations keep happening: choose one with "draftstate undo --at"; nothing was undone',
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
