/** The backups of a conversation, for a person or a program that chooses one. */
import type { Version } from "../model/conversation.js";
import { readBackupHeads, readBackupVersion, resolveBackup, type Backup } from "../store/backups.js";
import { mustExist } from "../store/read.js";
import type { Store } from "../store/store.js";

/** Newest revision first, from the ends of their files. Throws `NOT_FOUND` where there is neither a conversation nor a backup. */
export async function listBackups(store: Store, id: string): Promise<Backup[]> {
  const backups = await readBackupHeads(store.storage, id);
  if (backups.length === 0 && ((await store.spills?.find(id)) ?? []).length === 0) {
    await store.reach.assert();
    await mustExist(store.storage, id);
  }
  return backups;
}

/** By timestamp, unique prefix of one, tag, `latest` or `@n`. Throws `NOT_FOUND`, `USAGE`. */
export async function findBackup(store: Store, id: string, wanted: string): Promise<Backup> {
  return resolveBackup(await listBackups(store, id), id, wanted);
}

export interface BackupContent {
  readonly backup: Backup;
  readonly version: Version;
}

/** Verified as it is read. Throws `CORRUPT`, `NEWER_VERSION`, `NOT_FOUND`. */
export async function readBackup(store: Store, id: string, wanted: string): Promise<BackupContent> {
  const backup = await findBackup(store, id, wanted);
  return { backup, version: await readBackupVersion(store.storage, backup) };
}
