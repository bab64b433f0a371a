/**
 * How each kind of operation is taken back, under the lock of its conversation. What is changed on the way is kept first, as a backup or
 * in quarantine; then the undo is logged, and the record of the operation goes. Each step can be repeated.
 */
import { DraftstateError, messageOf } from "../../errors.js";
import { toJsonPatch } from "../../model/json-patch.js";
import { ended } from "../../model/interruption.js";
import type { JsonObject } from "../../model/json.js";
import { decodeSnapshot, versionOf } from "../../snapshot/decode.js";
import { takeStock } from "../../session/open.js";
import type { Session } from "../../session/session.js";
import { recover, type Locked } from "../../session/recover.js";
import type { Sessions } from "../../session/sessions.js";
import type { Lock } from "../../storage/storage.js";
import { listBackupNames, writeBackup } from "../../store/backups.js";
import { journalKey, snapshotKey } from "../../store/names.js";
import { copyToQuarantine } from "../../store/quarantine.js";
import { refusal } from "../../store/read.js";
import { ANY_CONTENT } from "../../store/redo-record.js";
import { warn, type Store } from "../../store/store.js";
import type { Trash } from "../../store/trash.js";
import { stampAfter, tookBackupsAlone, trashKey, type KeptFile, type Operation } from "../../store/trash-record.js";
import { logUndo } from "../../store/undo-log.js";
import { filesOf } from "../remove.js";
import { foldIn, replaceWithBackup } from "../restore.js";
import type { Threads } from "../../threads/threads.js";
import { ABSENT, markOf, markOfRevision } from "./mark.js";
import { threadChanges } from "./thread-changes.js";
import { fitting, Overtaken, type UndoOptions } from "./undone.js";

export interface Undone {
  readonly restored: readonly string[];
  readonly safetyBackup: string | null;
}

/** The operation that an undo chose, to be asked about again in its conversation's turn. */
export interface Chosen {
  readonly trash: Trash;
  readonly threads: Threads;
  readonly options: UndoOptions;
}

/** Two that undo the same take back one operation, not two; and nothing older is taken back than what is last by now. */
export async function assertStillLast(
  { trash, threads, options }: Chosen,
  operation: Operation,
): Promise<readonly string[]> {
  if (!(await trash.records.has(operation))) throw isUndone(operation);
  const names = await trash.records.names();
  if (options.at !== undefined) return names;
  const pending = await trash.records.pending(operation.conversationId);
  if (pending !== undefined && pending.stamp > operation.stamp) throw new Overtaken();
  const [last] = await trash.records.latest((named) => fitting([named], options).length > 0, true, names);
  if (last !== undefined && last.stamp > operation.stamp && last.group !== operation.group) throw new Overtaken();
  const [change] = await threadChanges(threads, options);
  if (change !== undefined && change.stamp > operation.stamp) throw new Overtaken();
  return names;
}

/** What was found in the trash under the lock, and when it is undone: one stamp for all that one undo takes back. */
interface Turn {
  readonly names: readonly string[];
  readonly stamp: string;
}

function turnAmong(names: readonly string[], { now, random }: Store): Turn {
  return { names, stamp: stampAfter(names, now(), random()) };
}

interface Logged {
  readonly operation: Operation;
  readonly from: string;
  readonly mark: string;
  readonly safetyBackup: string | null;
}

/** The undo is durable: it is logged, and can no longer be undone. Where it cannot be logged, it cannot be reverted either. */
async function finish(
  store: Store,
  { names, stamp }: Turn,
  { operation, from, mark, safetyBackup }: Logged,
  guard: Lock,
): Promise<void> {
  const entry = { stamp, mark, safetyBackup, operation };
  if (store.trash.keeps)
    await logUndo(store.storage, { entry, names, from }, guard).catch((error: unknown) => {
      warn(
        store,
        operation.conversationId,
        `${operation.kind} is undone, but that could not be logged (${messageOf(error)}): redo will not find it`,
        error,
      );
    });
  await store.trash.forget(operation, guard);
}

function isUndone({ kind, conversationId }: Operation): DraftstateError {
  return new DraftstateError(
    "NOT_FOUND",
    `${kind} of ${conversationId} was undone meanwhile: manager.operations() lists what is left`,
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

/** The conversation was continued since a removal or undo that was cut off: it stays as it is now, and what was kept is not lost either. */
async function setAside(store: Store, { stamp }: Operation, file: KeptFile, guard: Lock): Promise<void> {
  const kept = trashKey(stamp, file);
  await copyToQuarantine(store, kept, guard, file.name);
  await store.storage.remove(kept, guard);
}

async function putBack({ store, guard }: Locked, turn: Turn, operation: Operation): Promise<Undone> {
  const { trash, storage } = store;
  const restored: string[] = [];
  // The journal before the snapshot that it continues: alone it is no conversation.
  for (const file of [...operation.files].reverse()) {
    if (await trash.files.isContinued(operation, file)) await setAside(store, operation, file, guard);
    else if (await trash.files.putBack(operation.stamp, file, guard)) restored.push(storage.describe(file));
  }
  const mark = operation.kind === "prune" ? ANY_CONTENT : await markOf(store, operation.conversationId);
  const marks = { from: operation.kind === "rm" ? ABSENT : mark, mark };
  await finish(store, turn, { operation, ...marks, safetyBackup: null }, guard);
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
    // Under the locks no session uses the ids. Backups come back beside what is there.
    const taken = isRemoval ? await sessions.taken(ids) : new Set<string>();
    let names: readonly string[] = [];
    for (const operation of operations) {
      names = await assertStillLast(chosen, operation);
      await assertRoom(store, taken, operation);
    }
    const turn = turnAmong(names, store);
    // Of all before the first file moves: what was too old may be on its way out of the trash.
    for (const operation of operations)
      if (!(await trash.claim(operation, lockedOf(held, operation).guard))) throw isUndone(operation);
    const undone: Undone[] = [];
    for (const operation of operations) undone.push(await putBack(lockedOf(held, operation), turn, operation));
    return undone;
  };
  return isRemoval ? sessions.exclusive(ids, act) : sessions.guardedAll(ids, act);
}

/** By an undo that was cut off once the old content stood there: the backup of what it replaced. */
async function madeBefore({ backups }: Session, revision: number): Promise<string | null> {
  const made = (await backups.again()).find(
    (backup) => backup.reason === "restore" && backup.revision === revision - 1,
  );
  return made?.timestamp ?? null;
}

/** Marks name the revisions of the change itself: what came before or after it in the same moment is another's. */
async function goBackTo(
  session: Session,
  content: JsonObject,
): Promise<{ readonly safetyBackup: string | null; readonly from: string; readonly mark: string }> {
  const { state, revision: present } = session.version;
  if (toJsonPatch(state, content).length === 0) {
    const mark = markOfRevision(present);
    return { safetyBackup: await madeBefore(session, present), from: mark, mark };
  }
  const { kept, before, revision } = await replaceWithBackup(session, content);
  return { safetyBackup: kept, from: markOfRevision(before.revision), mark: markOfRevision(revision) };
}

/** The old content as a new revision, after a backup of the present: as `restore` itself goes back (I4). */
function undoRestore(store: Store, sessions: Sessions, chosen: Chosen, operation: Operation): Promise<Undone> {
  const { trash } = store;
  const { conversationId: id, stamp, files } = operation;
  return sessions.use(
    id,
    async (session) => {
      const turn = turnAmong(await assertStillLast(chosen, operation), store);
      const bytes = files[0] === undefined ? undefined : await trash.files.readCopy(stamp, files[0]);
      const before = bytes === undefined ? undefined : decodeSnapshot(bytes, id);
      if (before?.kind !== "valid")
        throw new DraftstateError(
          "CORRUPT",
          `what ${id} held before the restore cannot be read: manager.listBackups("${id}") lists its backups`,
        );
      const content = ended(versionOf(before), before.metadata.savedAt).state;
      const { safetyBackup, from, mark } = await goBackTo(session, content);
      // Without the backup nothing tells what a redo would restore: none is offered.
      if (safetyBackup === null) await trash.forget(operation, session.lock);
      else await finish(store, turn, { operation, from, mark, safetyBackup }, session.lock);
      await foldIn(store, session);
      return { restored: [], safetyBackup };
    },
    "existing",
  );
}

function undoRename(store: Store, sessions: Sessions, chosen: Chosen, operation: Operation): Promise<Undone> {
  return sessions.use(
    operation.conversationId,
    async (session) => {
      const turn = turnAmong(await assertStillLast(chosen, operation), store);
      const from = markOfRevision(session.revision);
      const before = session.info.title ?? null;
      const title = operation.title ?? null;
      let mark: string;
      try {
        session.updateInfo({ title });
        mark = markOfRevision(session.revision);
        await session.flush();
      } catch (error) {
        // An undo that was refused is not made by the next save either.
        if (before !== title && (session.info.title ?? null) === title && !session.isClosed)
          session.updateInfo({ title: before });
        throw error;
      }
      await finish(store, turn, { operation, from, mark, safetyBackup: null }, session.lock);
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

/** The files are as they were found again, damaged or edited as they may be, and the damaged backups that it cleared away. */
function undoRepair(store: Store, sessions: Sessions, chosen: Chosen, operation: Operation): Promise<Undone> {
  const { trash, storage } = store;
  const { conversationId: id, stamp } = operation;
  const files = operation.files.filter(({ area }) => area === "state");
  const backups = operation.files.filter(({ area }) => area === "backup");
  return sessions.exclusive([id], async (held) => {
    const turn = turnAmong(await assertStillLast(chosen, operation), store);
    const from = await markOf(store, id);
    const locked = lockedOf(held, operation);
    const { guard } = locked;
    const copies = new Map<string, Uint8Array>();
    for (const file of files) {
      const bytes = await trash.files.readCopy(stamp, file);
      if (bytes === undefined)
        throw new DraftstateError(
          "CORRUPT",
          `what ${id} was before its repair is no longer in the trash: manager.listBackups("${id}") lists its backups`,
        );
      copies.set(file.name, bytes);
    }
    await trash.files.assertRoomFor({ ...operation, files: backups });
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
    if (backups.length > 0 && !(await trash.claim(operation, guard))) throw isUndone(operation);
    for (const file of backups)
      if (await trash.files.putBack(stamp, file, guard)) restored.push(storage.describe(file));
    await finish(store, turn, { operation, from, mark: await markOf(store, id), safetyBackup }, guard);
    return { restored, safetyBackup };
  });
}

export async function undoAll(
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
      if (tookBackupsAlone(operation)) return putAllBack(store, sessions, chosen, operations);
      return [await undoRepair(store, sessions, chosen, operation)];
    case "rename":
      return [await undoRename(store, sessions, chosen, operation)];
  }
}
