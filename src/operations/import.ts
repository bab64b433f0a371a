/**
 * A conversation that was had elsewhere becomes one of ours: its first save writes it whole, under the lock, with the
 * creation time and revision it comes with; then its backups under their own timestamps. What exists is never touched.
 */
import type { BackupNote, Version } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import type { Sessions } from "../session/sessions.js";
import { fromTimestamp } from "../store/names.js";

export interface ImportRequest {
  readonly id: string;
  readonly version: Version;
  /** Oldest first. */
  readonly points: readonly {
    readonly timestamp: string;
    readonly version: Version;
    readonly note: BackupNote | undefined;
  }[];
  /** When it was last changed where it was had; ISO 8601. */
  readonly updatedAt?: string;
  /** When an answer that nothing continues was cut off; ISO 8601. */
  readonly at: string;
  /** One of many that are imported in a row: the listing of ids made for another of them a moment ago serves this one too. */
  readonly inBatch?: boolean;
}

/** Throws `INVALID_ID` where the id is taken, `LOCKED` where another process is about to take it. Where it throws, nothing was imported. */
export async function importConversation(sessions: Sessions, request: ImportRequest): Promise<void> {
  const { id, points, inBatch = false } = request;
  const initial = withOwnDate(ended(request.version, request.at), request.updatedAt ?? request.at);
  const conversation = await sessions.open(id, { expect: "new", beginning: initial, inBatch });
  await sessions.complete(conversation, async () => {
    await conversation.flush();
    await sessions.use(id, async ({ backups }) => {
      for (const { timestamp, version, note } of points)
        await backups.add(version, note ?? { reason: "manual" }, fromTimestamp(timestamp));
    });
    // Retention begins with the next turn, not with the backups that someone wanted to keep.
    if (points.at(-1)?.version.revision !== initial.revision) await conversation.endTurn();
  });
}

/** It is as old as it was where it was had, until something is changed here. */
function withOwnDate(version: Version, updatedAt: string): Version {
  const { info, revision } = version;
  return { ...version, info: { ...info, imported: { updatedAt, revision } } };
}
