/**
 * Going back, forwards (I4): read and verify the backup, refuse before anything is touched, keep the present as a backup,
 * then write the old content as a new revision. History is never rewritten.
 */
import { messageOf } from "../errors.js";
import { metadataOf, type Version } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import type { JsonObject } from "../model/json.js";
import { toJsonPatch, type JsonPatchOperation } from "../model/json-patch.js";
import { SnapshotParts } from "../snapshot/encode.js";
import type { Replaced } from "../session/replace-kept.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";
import { readBackupVersion, resolveBackup, type Backup } from "../store/backups.js";
import { fromTimestamp, journalKey, snapshotKey } from "../store/names.js";
import { warn, type Store } from "../store/store.js";
import { timeOfStamp, type KeptFile, type Operation } from "../store/trash-record.js";
import { listBackups } from "./backups.js";
import { fork } from "./fork.js";
import { mustLoad } from "./load.js";
import { redoOf, type Redoing } from "./redoing.js";
import { commit } from "./undoable.js";
import { markOfRevision } from "./undo/mark.js";

export interface RestoreOptions {
  /** Into a new conversation of this id instead. */
  readonly fork?: string;
  readonly dryRun?: boolean;
}

export interface RestoreResult {
  readonly conversationId: string;
  /** Timestamp of the backup gone back to. */
  readonly restoredFrom: string;
  /** Timestamp of the backup that holds what was there before; null for a fork or a dry run. */
  readonly safetyBackup: string | null;
  /** The new revision; the present one for a dry run. */
  readonly revision: number;
  readonly dryRun: boolean;
  /** What it changes, as JSON Patch. */
  readonly changes: readonly JsonPatchOperation[];
}

/** What a restore is going to do: everything that can refuse is read by now. */
interface RestorePlan {
  readonly backup: Backup;
  /** An interim backup was taken in the middle of an answer, which nothing continues: it is interrupted. */
  readonly content: JsonObject;
}

async function planRestore(store: Store, id: string, backups: readonly Backup[], wanted: string): Promise<RestorePlan> {
  const backup = resolveBackup(backups, id, wanted);
  const version = await readBackupVersion(store.storage, backup);
  return { backup, content: ended(version, fromTimestamp(backup.timestamp).toISOString()).state };
}

export async function restore(
  store: Store,
  sessions: Sessions,
  id: string,
  wanted: string,
  options: RestoreOptions,
  redoing?: Redoing,
): Promise<RestoreResult> {
  if (options.fork !== undefined) {
    const { conversationId, backup, revision } = await fork(store, sessions, id, {
      newId: options.fork,
      backup: wanted,
    });
    return { conversationId, restoredFrom: backup ?? wanted, safetyBackup: null, revision, dryRun: false, changes: [] };
  }
  if (options.dryRun === true) return preview(store, id, wanted);
  if (!sessions.live.some((session) => session.id === id)) await assertFound(store, id);
  let planned: RestorePlan | undefined;
  return sessions.use(
    id,
    async (session) => {
      session.assertReplaceable();
      const plan = planned ?? (await planRestore(store, id, await session.backups.again(), wanted));
      return goBack(store, session, plan, redoing);
    },
    "existing",
    // Opening recovers: what cannot be restored is refused before anything is changed.
    async () => {
      const backups = await listBackups(store, id);
      planned = await planRestore(store, id, backups, wanted);
      return backups;
    },
  );
}

/** Opening makes directories: what is not there at all is refused before. */
async function assertFound(store: Store, id: string): Promise<void> {
  const found = await Promise.all([snapshotKey(id), journalKey(id)].map((key) => store.storage.stat(key)));
  if (found.every((stat) => stat === undefined)) await listBackups(store, id);
}

async function preview(store: Store, id: string, wanted: string): Promise<RestoreResult> {
  const { backup, content } = await planRestore(store, id, await listBackups(store, id), wanted);
  const now = await mustLoad(store, id);
  return {
    conversationId: id,
    restoredFrom: backup.timestamp,
    safetyBackup: null,
    revision: now.metadata.revision,
    dryRun: true,
    changes: toJsonPatch(now.state, content),
  };
}

async function goBack(
  store: Store,
  session: Session,
  { backup: { timestamp }, content }: RestorePlan,
  redoing?: Redoing,
): Promise<RestoreResult> {
  session.assertReplaceable();
  const result = { conversationId: session.id, restoredFrom: timestamp, dryRun: false };
  const { state } = session;
  const changes = toJsonPatch(state, content);
  // There is nothing to go back to, and so nothing to keep or undo: the backup itself holds what is there.
  if (changes.length === 0) {
    const { revision } = session;
    await redoing?.done(session.id, markOfRevision(revision), session.lock);
    return { ...result, safetyBackup: timestamp, revision, changes };
  }
  const record = new RestoreRecord(store, session, redoing);
  const { kept: safetyBackup, before, revision } = await replaceWithBackup(session, content, record);
  await record.commit();
  await redoing?.done(session.id, markOfRevision(revision), session.lock);
  await foldIn(store, session);
  // It may have been changed up to the moment in which it was replaced.
  const made = before.state === state ? changes : toJsonPatch(before.state, content);
  return { ...result, safetyBackup, revision, changes: made };
}

/** Backs up the present, then puts the content in its place. Returns the backup's timestamp. */
export function replaceWithBackup(
  session: Session,
  content: JsonObject,
  record?: RestoreRecord,
): Promise<Replaced<string>> {
  return session.replaceKept(content, {
    save: (version) => session.backups.backUp(version, { reason: "restore" }),
    record: async (version) => record?.prepare(version),
    withdraw: async () => record?.withdraw(),
  });
}

/** The content is durable in the journal: where it cannot be folded in now, that comes later. */
export async function foldIn(store: Store, session: Session): Promise<void> {
  await session.compact().catch((error: unknown) => {
    warn(store, session.id, `the snapshot could not be written: ${messageOf(error)}`, error);
  });
}

/** The present as a snapshot in the trash, since retention may take the safety backup away; and a record that names the revision that replaces it. */
class RestoreRecord {
  #operation: Operation | undefined;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
    private readonly redoing?: Redoing,
  ) {}

  async prepare(version: Version): Promise<void> {
    const { trash } = this.store;
    const { id, lock, name } = this.session;
    await this.redoing?.check(id, markOfRevision(version.revision));
    const stamp = await trash.newStamp(lock);
    const file: KeptFile = { area: "state", name: snapshotKey(id).name };
    this.#operation = {
      kind: "restore",
      conversationId: id,
      stamp,
      group: stamp,
      files: [file],
      revision: version.revision + 1,
      session: name,
      ...redoOf(this.redoing),
    };
    await trash.files.keep(
      stamp,
      file,
      new SnapshotParts(version.state, metadataOf(version, id, timeOfStamp(stamp).toISOString())),
      lock,
    );
    await trash.pending.prepare(this.#operation, lock);
  }

  async withdraw(): Promise<void> {
    if (this.#operation !== undefined) await this.store.trash.pending.withdraw(this.#operation, this.session.lock);
    this.#operation = undefined;
  }

  /** It happened. Where that cannot be recorded it is settled when the conversation is opened next. */
  async commit(): Promise<void> {
    if (this.#operation === undefined) return;
    await commit(this.store, this.#operation, this.session.lock);
  }
}
