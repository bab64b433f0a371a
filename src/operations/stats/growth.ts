/** How a conversation's size grew, from the sizes of its backups to now. Compressed ones cannot be compared. */
import type { Storage } from "../../storage/storage.js";
import { backupKey, fromTimestamp, parseBackupName, snapshotKey } from "../../store/names.js";

export interface SizeAt {
  /** ISO 8601. */
  readonly at: string;
  readonly sizeBytes: number;
}

/** By conversation, oldest first, the present last. */
export async function readGrowth(storage: Storage, ids: readonly string[], now: Date): Promise<Map<string, SizeAt[]>> {
  const growth = new Map<string, SizeAt[]>(ids.map((id) => [id, []]));
  const [only] = ids.length === 1 ? ids : [];
  for (const name of await storage.list("backup", only === undefined ? {} : { prefix: `${only}_` })) {
    const backup = parseBackupName(name);
    const sizes = backup?.compression === "none" ? growth.get(backup.conversationId) : undefined;
    const stat = backup === undefined || sizes === undefined ? undefined : await storage.stat(backupKey(backup));
    if (backup !== undefined && stat !== undefined)
      sizes?.push({ at: fromTimestamp(backup.timestamp).toISOString(), sizeBytes: stat.size });
  }
  for (const [id, sizes] of growth) {
    const stat = await storage.stat(snapshotKey(id));
    sizes.sort((a, b) => (a.at < b.at ? -1 : 1));
    if (stat !== undefined) sizes.push({ at: now.toISOString(), sizeBytes: stat.size });
  }
  return growth;
}
