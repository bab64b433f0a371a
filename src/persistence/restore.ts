/**
 * Going back, forwards (I4): read and verify the backup, refuse before anything is touched, keep the present as a
 * restore point, then write the old content as a new revision. History is never rewritten.
 */
import { DraftstateError } from "../errors.js";
import { isStreaming, type Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { toJsonPatch, type JsonPatchOperation } from "../model/json-patch.js";
import { contentOf, resolveBackup } from "./backups.js";
import { withInterruption } from "./reader.js";
import type { Conversation } from "./conversation-handle.js";
import type { DraftStatePersistenceManager } from "./manager.js";

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

export async function restore(manager: DraftStatePersistenceManager, id: string, wanted: string, options: RestoreOptions): Promise<RestoreResult> {
  const backup = resolveBackup(await manager.listBackups(id), id, wanted);
  const version = contentOf(backup);
  const content = contentToRestore(version, backup.timestamp);
  if (options.fork !== undefined) return fork(manager, options.fork, version, content, backup.timestamp);
  if (options.dryRun === true) {
    const now = await manager.load(id);
    if (now === undefined) throw new DraftstateError("NOT_FOUND", `there is no conversation ${id} to restore into: use --fork <new id>`);
    return { conversationId: id, restoredFrom: backup.timestamp, safetyBackup: null, revision: now.metadata.revision, dryRun: true, changes: toJsonPatch(now.state, content) };
  }
  return manager.withConversation(id, (conversation) => goBack(conversation, backup.timestamp, content), "existing");
}

async function goBack(conversation: Conversation, timestamp: string, content: JsonObject): Promise<RestoreResult> {
  const changes = toJsonPatch(conversation.version.state, content);
  const safetyBackup = await conversation.backup({ reason: "restore" });
  conversation.replaceState(content);
  await conversation.flush();
  await conversation.compact();
  return { conversationId: conversation.id, restoredFrom: timestamp, safetyBackup, revision: conversation.revision, dryRun: false, changes };
}

async function fork(manager: DraftStatePersistenceManager, newId: string, version: Version, content: JsonObject, timestamp: string): Promise<RestoreResult> {
  const conversation = await manager.open<JsonObject>(newId, { expect: "new" });
  try {
    const { title, model, baseUrl } = version.info;
    conversation.updateInfo({ ...(title === undefined ? {} : { title }), ...(model === undefined ? {} : { model }), ...(baseUrl === undefined ? {} : { baseUrl }) });
    conversation.replaceState(content);
    await conversation.flush();
    return { conversationId: newId, restoredFrom: timestamp, safetyBackup: null, revision: conversation.revision, dryRun: false, changes: [] };
  } finally {
    await conversation.close();
  }
}
