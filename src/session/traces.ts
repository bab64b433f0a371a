/** Everything that a session may have made of a conversation that was new. */
import type { Lock } from "../storage/storage.js";
import { listBackupNames } from "../store/backups.js";
import { backupKey, journalKey, snapshotKey, unbegunKey } from "../store/names.js";
import type { Store } from "../store/store.js";

export interface Traces {
  readonly id: string;
  /** Whose spill goes. */
  readonly session: string;
  readonly lock: Lock;
}

/** The snapshot goes before the journal that continues it, and after the backups: alone, neither would be read as it was. */
export async function removeTraces({ storage, spills }: Store, { id, session, lock }: Traces): Promise<void> {
  await spills?.remove(id, session);
  const backups = (await listBackupNames(storage, id)).map(backupKey);
  for (const key of [unbegunKey(id), ...backups, snapshotKey(id), journalKey(id)]) await storage.remove(key, lock);
}
