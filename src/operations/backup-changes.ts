/** The backups of a conversation, each with what changed in it since the one before. */
import { compareMessages, countChanges, type ChangeCounts } from "../model/compare.js";
import { textOf, titleFrom } from "../model/conversation.js";
import { isJsonObject, type JsonObject } from "../model/json.js";
import type { Storage } from "../storage/storage.js";
import { problemOf, readBackupFile, type Backup } from "../store/backups.js";

export interface ChangedBackup {
  readonly backup: Backup;
  /** Since the next older valid one; null if its content cannot be read. */
  readonly changes: ChangeCounts | null;
  /** The user's last new message, by which one knows a turn. */
  readonly said: string;
}

/** Newest first. Each content is read once, from the oldest on, and only two are held at a time. */
export async function backupChanges(storage: Storage, backups: readonly Backup[]): Promise<ChangedBackup[]> {
  const rows: ChangedBackup[] = [];
  let older: JsonObject = {};
  for (const backup of [...backups].reverse()) {
    const content = await readContent(storage, backup);
    if (typeof content === "string")
      rows.unshift({ backup: { ...backup, valid: false, problem: content }, changes: null, said: "" });
    else {
      rows.unshift({ backup, changes: countChanges(older, content), said: saidIn(older, content) });
      older = content;
    }
  }
  return rows;
}

/** A text says why it cannot be read. */
async function readContent(storage: Storage, backup: Backup): Promise<JsonObject | string> {
  const decoded = await readBackupFile(storage, backup);
  if (decoded === undefined) return "it is gone";
  return decoded.kind === "valid" ? decoded.state : (problemOf(decoded) ?? "it is damaged");
}

function saidIn(older: JsonObject, state: JsonObject): string {
  const said = compareMessages(older, state).findLast(
    (change) => change.kind === "added" && isJsonObject(change.message) && change.message["role"] === "user",
  );
  return said !== undefined && isJsonObject(said.message) ? titleFrom(textOf(said.message["content"])) : "";
}
