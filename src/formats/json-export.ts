/**
 * `json` and `jsonl`: exports that lose nothing. `json` is the state with its `_metadata`, as in a snapshot, without the
 * checksum, which belongs to a file; `jsonl` is one line for everything but the messages, then a line for each message
 * as it is. Characters that could act on a terminal are written as JSON escapes, which changes no value.
 */
import { messagesOf, type Metadata } from "../model/conversation.js";
import { ownValue, type Json, type JsonObject } from "../model/json.js";
import { toSafeJson } from "./acting-characters.js";
import type { ConversationDocument, ExportedBackup } from "./document.js";

/** Version of the two formats; the field marks a file as an export of ours. */
export const EXPORT_FORMAT = 1;
export const EXPORT_FIELD = "draftstateExport";

/** Without what is true of one file in one store alone. */
function metadataFields({
  extra,
  checksum: _checksum,
  sessions: _sessions,
  spill: _spill,
  ...known
}: Metadata): JsonObject {
  return { ...extra, ...known };
}

function pointFields({ timestamp, state, metadata }: ExportedBackup): JsonObject {
  return { timestamp, state, metadata: metadataFields(metadata) };
}

function mark(document: ConversationDocument, more: JsonObject = {}): JsonObject {
  const points = document.backups.map(pointFields);
  return { format: EXPORT_FORMAT, ...more, ...(points.length === 0 ? {} : { backups: points }) };
}

export function toJson(document: ConversationDocument): string {
  const { state, metadata } = document;
  const exported = { ...state, _metadata: { ...metadataFields(metadata), [EXPORT_FIELD]: mark(document) } };
  return `${toSafeJson(JSON.stringify(exported, null, 2))}\n`;
}

/** The first line keeps the place of `messages` among the state's fields, and how many follow: a file cut short is known as such. */
export function toJsonLines(document: ConversationDocument): string {
  const { state, metadata } = document;
  const listed = Array.isArray(ownValue(state, "messages"));
  const messages: readonly Json[] = listed ? messagesOf(state) : [];
  const rest = listed ? { ...state, messages: [] } : state;
  const header = {
    [EXPORT_FIELD]: mark(document, { messages: messages.length }),
    state: rest,
    metadata: metadataFields(metadata),
  };
  return [header, ...messages].map((line) => `${toSafeJson(JSON.stringify(line))}\n`).join("");
}
