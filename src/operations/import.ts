/**
 * A conversation that was had elsewhere becomes one of ours: its first save writes it whole, under the lock, with the
 * creation time and revision it comes with; then its restore points under their own timestamps. What exists is never touched.
 */
import { isStreaming, type BackupNote, type Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { encodeBackup, writeBackup } from "../store/backups.js";
import { fromTimestamp } from "../store/names.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import { withInterruption } from "../store/read.js";

export interface ImportRequest {
  readonly id: string;
  readonly version: Version;
  /** Oldest first. */
  readonly points: readonly { readonly timestamp: string; readonly version: Version; readonly note: BackupNote | undefined }[];
  /** When an answer that nobody is telling any more was cut off; ISO 8601. */
  readonly at: string;
}

/** Throws `INVALID_ID` where the id is taken, `LOCKED` where another process is about to take it. */
export async function importConversation(manager: DraftStatePersistenceManager, request: ImportRequest): Promise<void> {
  const { id, points } = request;
  const initial = isStreaming(request.version.state) ? withInterruption(request.version, request.at) : request.version;
  const conversation = await manager.open<JsonObject>(id, { expect: "new", beginning: initial });
  try {
    await conversation.flush();
    for (const { timestamp, version, note } of points) {
      const now = fromTimestamp(timestamp);
      await writeBackup(manager.storage, { id, bytes: encodeBackup(id, version, note ?? { reason: "manual" }, now), compression: manager.settings.compression, now });
    }
    // Retention begins with the next turn, not with the restore points that someone wanted to keep.
    if (points.at(-1)?.version.revision !== initial.revision) await conversation.endTurn();
  } finally {
    await conversation.close();
  }
}
