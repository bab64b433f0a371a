/**
 * Carries out a recovery plan for a writer that holds the lock. Damage is copied to quarantine first, then the whole
 * recovered state becomes a new snapshot, then the journal goes: a crash anywhere in between leaves what was there or
 * the same plan again, and a second run finds nothing to do (G6).
 */
import { isStreaming, type Version } from "../model/conversation.js";
import type { Lock, Storage } from "../storage/storage.js";
import { keepAsBackup, listBackupNames, readBackupBytes, readBackupHeads } from "../store/backups.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { lastInTrash } from "../store/kept-files.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { interruptedVersion, readMetadataOnly, type UsablePlan } from "../store/read.js";
import type { Store } from "../store/store.js";
import { writeWhole } from "../store/write-snapshot.js";

/** A conversation whose lock is held: its files may be changed until the lock is released. */
export interface Locked {
  readonly store: Store;
  readonly id: string;
  readonly guard: Lock;
}

export interface Recovered {
  /** To continue from; its revision is the snapshot's on disk. */
  readonly version: Version;
  /** Where the copies of damaged files are. */
  readonly quarantined: readonly string[];
}

export async function recover(locked: Locked, plan: UsablePlan): Promise<Recovered> {
  const { store, id, guard } = locked;
  const version = interruptedVersion(plan);
  const isInterrupted = version !== plan.version;
  if (plan.clean && !isInterrupted) {
    // A writer that was killed may have named the snapshot and not synced its directory: nothing is built upon that.
    await store.storage.settle("state");
    return { version: plan.version, quarantined: [] };
  }
  const quarantined = await keepWhatIsReplaced(locked, plan);
  const next = { ...version, revision: await revisionAfter(locked, plan) };
  await writeWhole(store, id, next, guard, plan.sessions);
  const source = plan.source === "snapshot" ? "snapshot" : plan.source.backup;
  if (plan.problems.length > 0 || isInterrupted)
    store.events.emit("recovered", {
      conversationId: id,
      revision: next.revision,
      source,
      problems: plan.problems,
      quarantined,
    });
  return { version: next, quarantined };
}

/** The revision that carrying out the plan writes: the same one where only the files change. */
export async function revisionAfter(locked: Locked, plan: UsablePlan): Promise<number> {
  const { version } = plan;
  const last = await lastUsed(locked, plan);
  const isChanged =
    isStreaming(version.state) ||
    plan.migratedFrom !== undefined ||
    plan.source !== "snapshot" ||
    last > version.revision;
  return isChanged ? Math.max(version.revision, last) + 1 : version.revision;
}

/** Damaged files, and those of an older schema, before something else takes their name. Where the copies in quarantine are. */
export async function keepWhatIsReplaced(locked: Locked, plan: UsablePlan): Promise<string[]> {
  const { store, id, guard } = locked;
  const quarantined: string[] = [];
  for (const file of plan.quarantine) {
    const copy = await copyToQuarantine(store, file === "snapshot" ? snapshotKey(id) : journalKey(id), guard);
    if (copy !== undefined) quarantined.push(copy);
  }
  if (plan.migratedFrom !== undefined) await keepOriginal(locked);
  return quarantined;
}

/**
 * A revision that was lost may be named by a backup, by the damaged snapshot, by a journal that a crash brings back, or by what a
 * removal took whose backups were away and came back after it: it is never used again.
 */
export async function lastUsed({ store, id }: Locked, plan: UsablePlan): Promise<number> {
  return plan.problems.length === 0
    ? plan.lastRevision
    : Math.max(plan.lastRevision, await lastNamed(store.storage, id));
}

export async function lastNamed(storage: Storage, id: string): Promise<number> {
  const [newest] = await readBackupHeads(storage, id);
  const snapshot = await readMetadataOnly(storage, id);
  return Math.max(newest?.revision ?? 0, snapshot?.metadata.revision ?? 0, await lastInTrash(storage, id));
}

/** A file of an older schema stays readable as what it was: its bytes become a backup before they are rewritten. */
async function keepOriginal({ store, id, guard }: Locked): Promise<void> {
  const {
    storage,
    now,
    settings: { compression },
  } = store;
  const bytes = await storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
  if (bytes === undefined) return;
  const [newest] = await listBackupNames(storage, id);
  // A crash between the backup and the new snapshot leaves the one without the other: another copy would add nothing. One that
  // a killed writer made may have its name, and lose it again in a power loss: nothing is built upon that.
  const kept = newest === undefined ? undefined : await readBackupBytes(storage, newest);
  if (kept !== undefined && Buffer.from(kept).equals(bytes)) return storage.settle("backup");
  await keepAsBackup(storage, { id, bytes, compression, now: now(), guard, newest: newest?.timestamp });
}
