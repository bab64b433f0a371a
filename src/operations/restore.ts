/**
 * Going back, forwards (I4): read and verify the backup, refuse before anything is touched, keep the present as a
 * restore point, then write the old content as a new revision. History is never rewritten.
 */
import { DraftstateError } from "../errors.js";
import { isStreaming, metadataOf, type Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { toJsonPatch, type JsonPatchOperation } from "../model/json-patch.js";
import { encodeSnapshot } from "../snapshot/encode.js";
import { contentOf, resolveBackup } from "../store/backups.js";
import { snapshotKey } from "../store/names.js";
import { withInterruption } from "../store/read.js";
import type { Trash } from "../store/trash.js";
import { timeOfStamp, type KeptFile } from "../store/trash-record.js";
import type { Conversation } from "../session/conversation.js";
import type { DraftStatePersistenceManager } from "../manager.js";

export interface RestoreOptions {
  /** Into a new conversation of this id instead. */
  readonly fork?: string;
  readonly dryRun?: boolean;
}

export interface RestoreResult {
  readonly conversationId: string;
  /** Timestamp of the backup gone back to. */
  readonly restoredFrom: string;
  /** Timestamp of the backup that holds what was there before; null for a fork or a dry run. */
  readonly safetyBackup: string | null;
  /** The new revision; the present one for a dry run. */
  readonly revision: number;
  readonly dryRun: boolean;
  /** What it changes, as JSON Patch. */
  readonly changes: readonly JsonPatchOperation[];
}

function contentToRestore(version: Version, timestamp: string): JsonObject {
  // An interim backup was taken in the middle of an answer that nobody is telling any more.
  return isStreaming(version.state) ? withInterruption(version, timestamp.replace(/T(\d\d)-(\d\d)-(\d\d)-/, "T$1:$2:$3.")).state : version.state;
}

export async function restore(manager: DraftStatePersistenceManager, id: string, wanted: string, trash: Trash, options: RestoreOptions): Promise<RestoreResult> {
  const backup = resolveBackup(await manager.listBackups(id), id, wanted);
  const version = contentOf(backup);
  const content = contentToRestore(version, backup.timestamp);
  if (options.fork !== undefined) {
    const forked = await manager.fork(id, { newId: options.fork, backup: backup.timestamp });
    return { conversationId: forked.conversationId, restoredFrom: backup.timestamp, safetyBackup: null, revision: forked.revision, dryRun: false, changes: [] };
  }
  if (options.dryRun === true) {
    const now = await manager.load(id);
    if (now === undefined) throw new DraftstateError("NOT_FOUND", `there is no conversation ${id} to restore into: use --fork <new id>`);
    return { conversationId: id, restoredFrom: backup.timestamp, safetyBackup: null, revision: now.metadata.revision, dryRun: true, changes: toJsonPatch(now.state, content) };
  }
  return manager.withConversation(id, (conversation) => goBack(conversation, backup.timestamp, content, trash), "existing");
}

async function goBack(conversation: Conversation, timestamp: string, content: JsonObject, trash: Trash): Promise<RestoreResult> {
  const changes = toJsonPatch(conversation.version.state, content);
  // There is nothing to go back to, and so nothing to keep or undo: the backup itself holds what is there.
  if (changes.length === 0) return { conversationId: conversation.id, restoredFrom: timestamp, safetyBackup: timestamp, revision: conversation.revision, dryRun: false, changes };
  const safetyBackup = await conversation.backup({ reason: "restore" });
  await keepPresent(conversation, trash);
  conversation.replaceState(content);
  await conversation.flush();
  await conversation.compact();
  return { conversationId: conversation.id, restoredFrom: timestamp, safetyBackup, revision: conversation.revision, dryRun: false, changes };
}

/** What the present was goes to the trash first, as a snapshot of its own: retention may take the safety backup away. */
async function keepPresent(conversation: Conversation, trash: Trash): Promise<void> {
  const { id, version } = conversation;
  const stamp = await trash.newStamp();
  const file: KeptFile = { area: "state", name: snapshotKey(id).name };
  await trash.keep(stamp, file, encodeSnapshot(version.state, metadataOf(version, id, timeOfStamp(stamp).toISOString())));
  await trash.begin({ kind: "restore", conversationId: id, stamp, group: stamp, files: [file] });
}
