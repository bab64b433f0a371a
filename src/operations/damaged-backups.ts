/**
 * Damaged backups of a conversation, cleared away by `repair`: a copy of each goes to quarantine, and the file to the trash, from where
 * `undo` brings it back byte for byte. Backups that are valid, edited or of a newer version stay.
 */
import type { Locked } from "../session/recover.js";
import type { Problem } from "../plan/recovery.js";
import { listBackupNames, problemOf, readBackupFile } from "../store/backups.js";
import { backupKey, type BackupName } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import type { KeptFile, Operation } from "../store/trash-record.js";
import { redoOf, type Redoing } from "./redoing.js";

export interface DamagedBackup {
  readonly name: BackupName;
  readonly problem: Problem;
}

/** Newest first. */
export async function findDamagedBackups({ store: { storage }, id }: Locked): Promise<DamagedBackup[]> {
  const damaged: DamagedBackup[] = [];
  for (const name of await listBackupNames(storage, id)) {
    const decoded = await readBackupFile(storage, name);
    if (decoded?.kind !== "damaged") continue;
    const detail = problemOf(decoded) ?? "it is damaged";
    damaged.push({ name, problem: { kind: "backup-damaged", file: { backup: name.name }, detail } });
  }
  return damaged;
}

export function keptFilesOf(damaged: readonly DamagedBackup[]): KeptFile[] {
  return damaged.map(({ name: { name } }) => ({ area: "backup", name }));
}

/** As an operation of its own, with a record that is durable before the first file moves, as a prune has. Gives where the copies are. */
export async function clearAlone(
  locked: Locked,
  damaged: readonly DamagedBackup[],
  redoing: Redoing | undefined,
): Promise<string[]> {
  const { store, id, guard } = locked;
  const { trash } = store;
  const stamp = await trash.newStamp(guard);
  const files = keptFilesOf(damaged);
  const operation: Operation = { kind: "repair", conversationId: id, stamp, group: stamp, files, ...redoOf(redoing) };
  await trash.begin(operation, guard);
  try {
    return await clearUnder(locked, stamp, damaged);
  } catch (error) {
    await trash.withdrawIfNothingWent(operation, guard).catch(() => undefined);
    throw error;
  }
}

/** Under the stamp of an operation whose record, which can be undone, names them already. Gives where the copies are. */
export async function clearUnder(
  { store, id, guard }: Locked,
  stamp: string,
  damaged: readonly DamagedBackup[],
): Promise<string[]> {
  const { storage, trash, events } = store;
  const quarantined: string[] = [];
  for (const { name } of damaged) {
    const copy = await copyToQuarantine(store, backupKey(name), guard);
    if (copy !== undefined) quarantined.push(copy);
  }
  for (const { name } of damaged) {
    const file: KeptFile = { area: "backup", name: name.name };
    const isGone = trash.keeps ? await trash.files.take(stamp, file, guard) : await storage.remove(file, guard);
    if (isGone)
      events.emit("backupRemoved", {
        conversationId: id,
        timestamp: name.timestamp,
        path: storage.describe(file),
      });
  }
  return quarantined;
}
