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

export interface ClearedBackups {
  readonly problems: readonly Problem[];
  /** Where the copies are. */
  readonly quarantined: readonly string[];
}

interface Damaged {
  readonly name: BackupName;
  readonly problem: Problem;
}

export async function clearDamagedBackups(locked: Locked, redoing: Redoing | undefined): Promise<ClearedBackups> {
  const damaged = await damagedBackups(locked);
  if (damaged.length === 0) return { problems: [], quarantined: [] };
  const { store, guard } = locked;
  const quarantined: string[] = [];
  for (const { name } of damaged) {
    const copy = await copyToQuarantine(store, backupKey(name), guard);
    if (copy !== undefined) quarantined.push(copy);
  }
  await take(
    locked,
    damaged.map(({ name }) => name),
    redoing,
  );
  return { problems: damaged.map(({ problem }) => problem), quarantined };
}

async function damagedBackups({ store: { storage }, id }: Locked): Promise<Damaged[]> {
  const damaged: Damaged[] = [];
  for (const name of await listBackupNames(storage, id)) {
    const decoded = await readBackupFile(storage, name);
    if (decoded?.kind !== "damaged") continue;
    const detail = problemOf(decoded) ?? "it is damaged";
    damaged.push({ name, problem: { kind: "backup-damaged", file: { backup: name.name }, detail } });
  }
  return damaged;
}

/** With a record that is durable before the first file moves, as a prune has. */
async function take({ store, id, guard }: Locked, names: readonly BackupName[], redoing?: Redoing): Promise<void> {
  const { storage, trash, events } = store;
  const files = names.map(({ name }): KeptFile => ({ area: "backup", name }));
  const stamp = await trash.newStamp(guard);
  const operation: Operation = { kind: "repair", conversationId: id, stamp, group: stamp, files, ...redoOf(redoing) };
  await trash.begin(operation, guard);
  try {
    for (const [index, file] of files.entries()) {
      const isGone = trash.keeps ? await trash.files.take(stamp, file, guard) : await storage.remove(file, guard);
      const { timestamp } = names[index] ?? { timestamp: "" };
      if (isGone) events.emit("backupRemoved", { conversationId: id, timestamp, path: storage.describe(file) });
    }
  } catch (error) {
    await trash.withdrawIfNothingWent(operation, guard).catch(() => undefined);
    throw error;
  }
}
