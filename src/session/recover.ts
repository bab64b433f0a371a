/**
 * Carries out a recovery plan for a writer that holds the lock. Damage is copied to quarantine first, then the whole
 * recovered state becomes a new snapshot, then the journal goes: a crash anywhere in between leaves what was there or
 * the same plan again, and a second run finds nothing to do.
 */
import { metadataOf, type Version } from "../model/conversation.js";
import { SnapshotParts } from "../snapshot/encode.js";
import type { Key, Lock, Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { listBackupHeads, writeBackup } from "../store/backups.js";
import type { ManagerEmitter } from "../store/events.js";
import { journalKey, snapshotKey, toTimestamp, type Compression } from "../store/names.js";
import { interruptedVersion, listBackupNames, readBackupBytes, readMetadataOnly, type UsablePlan } from "../store/read.js";

export interface RecoveryContext {
  readonly storage: Storage;
  readonly lock: Lock;
  readonly events: ManagerEmitter;
  readonly now: () => Date;
  readonly compression: Compression;
}

/** Under the locks of all these conversations, none of which is open, or of none. */
export type WithRecoveries = <T>(ids: readonly string[], act: (contexts: ReadonlyMap<string, RecoveryContext>) => Promise<T>) => Promise<T>;

/** A free name in quarantine that says what it was and when it was moved. */
export async function copyToQuarantine(context: RecoveryContext, from: Key): Promise<string | undefined> {
  const bytes = await context.storage.read(from, { maxBytes: MAX_FILE_BYTES });
  if (bytes === undefined) return undefined;
  const stamp = toTimestamp(context.now());
  for (let copy = 0; ; copy += 1) {
    const key: Key = { area: "quarantine", name: `${from.name}.${stamp}${copy === 0 ? "" : `-${copy}`}` };
    if (await context.storage.create(key, bytes)) return context.storage.describe(key);
  }
}

export interface Recovered {
  /** To go on from; its revision is the snapshot's on disk. */
  readonly version: Version;
  readonly quarantined: readonly string[];
}

export async function recover(context: RecoveryContext, id: string, plan: UsablePlan): Promise<Recovered> {
  const { storage, lock, events, now } = context;
  const ended = interruptedVersion(plan);
  const interrupted = ended !== plan.version;
  if (plan.clean && !interrupted) {
    // A writer that was killed may have named the snapshot and not synced its directory: nothing is built upon that.
    await storage.settle("state");
    return { version: plan.version, quarantined: [] };
  }
  const quarantined = await keepWhatIsReplaced(context, id, plan);
  const last = await lastUsed(context, id, plan);
  const changed = interrupted || plan.migratedFrom !== undefined || plan.source !== "snapshot" || last > ended.revision;
  const version = changed ? { ...ended, revision: Math.max(ended.revision, last) + 1 } : ended;
  await storage.replace(snapshotKey(id), new SnapshotParts(version.state, metadataOf(version, id, now().toISOString())), lock);
  await storage.remove(journalKey(id));
  const source = plan.source === "snapshot" ? "snapshot" : plan.source.backup;
  if (plan.problems.length > 0 || interrupted) events.emit("recovered", { conversationId: id, revision: version.revision, source, problems: plan.problems, quarantined });
  return { version, quarantined };
}

/** Damaged files, and those of an older schema, before something else takes their name. Paths of the copies in quarantine. */
export async function keepWhatIsReplaced(context: RecoveryContext, id: string, plan: UsablePlan): Promise<string[]> {
  const quarantined: string[] = [];
  for (const file of plan.quarantine) {
    const copy = await copyToQuarantine(context, file === "snapshot" ? snapshotKey(id) : journalKey(id));
    if (copy !== undefined) quarantined.push(copy);
  }
  if (plan.migratedFrom !== undefined) await keepOriginal(context, id);
  return quarantined;
}

/** A revision that was lost may be named by a backup, by the damaged snapshot, or by a journal that a crash brings back: it is never used again. */
export async function lastUsed(context: RecoveryContext, id: string, plan: UsablePlan): Promise<number> {
  return plan.problems.length === 0 ? plan.lastRevision : Math.max(plan.lastRevision, await lastNamed(context, id));
}

export async function lastNamed(context: RecoveryContext, id: string): Promise<number> {
  const [newest] = await listBackupHeads(context.storage, id);
  const snapshot = await readMetadataOnly(context.storage, id);
  return Math.max(newest?.revision ?? 0, snapshot?.metadata.revision ?? 0);
}

/** A file of an older schema stays readable as what it was: its bytes become a backup before they are rewritten. */
async function keepOriginal(context: RecoveryContext, id: string): Promise<void> {
  const { storage, now, compression } = context;
  const bytes = await storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
  if (bytes === undefined) return;
  // One that a killed writer made may have its name, and lose it again in a power loss: nothing is built upon that.
  if (await isKept(storage, id, bytes)) return storage.settle("backup");
  await writeBackup(storage, { id, bytes, compression, now: now() });
}

/** A crash between the backup and the new snapshot leaves the one without the other: another copy would add nothing. */
async function isKept(storage: Storage, id: string, bytes: Uint8Array): Promise<boolean> {
  const [newest] = await listBackupNames(storage, id);
  const kept = newest === undefined ? undefined : await readBackupBytes(storage, newest);
  return kept !== undefined && Buffer.from(kept).equals(bytes);
}
