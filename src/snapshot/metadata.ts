/** `_metadata` of a file: what is known of it, checked field by field, and what other programs put beside it. */
import {
  BACKUP_REASONS,
  MAX_REVISION,
  SCHEMA_VERSION,
  SPILL_FORMAT,
  STATUSES,
  type BackupNote,
  type ImportNote,
  type Metadata,
  type SpillNote,
  type Status,
} from "../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { credentialIn, redactUrl } from "../model/urls.js";
import { isSessionName, MAX_MARKS, type SessionMark } from "../model/sessions.js";

/** Unknown fields of `_metadata` are kept up to this many bytes of JSON. */
export const MAX_EXTRA_BYTES = 16 * 1024;
const OWN_FIELDS = new Set([
  "savedAt",
  "version",
  "conversationId",
  "revision",
  "checksum",
  "fileBytes",
  "createdAt",
  "title",
  "status",
  "messageCount",
  "tokenCount",
  "model",
  "baseUrl",
  "backup",
  "spill",
  "sessions",
  "unbegunCalls",
]);

/** Undefined for a text that is no version. */
function majorOf(version: string): number | undefined {
  const digits = /^\d+/.exec(version)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

export function isVersion(version: string): boolean {
  return majorOf(version) !== undefined;
}

export function isNewer(version: string): boolean {
  return (majorOf(version) ?? 0) > (majorOf(SCHEMA_VERSION) ?? 0);
}

export function text(object: JsonObject, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === "string" ? value : undefined;
}

export function count(object: JsonObject, key: string): number | undefined {
  const value = ownValue(object, key);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function backupNote(value: Json | undefined): BackupNote | undefined {
  if (!isJsonObject(value)) return undefined;
  const reason = BACKUP_REASONS.find((known) => known === value["reason"]);
  if (reason === undefined) return undefined;
  const tag = text(value, "tag");
  return { reason, ...(tag === undefined ? {} : { tag }), ...(value["pinned"] === true ? { pinned: true } : {}) };
}

function isRevision(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= MAX_REVISION;
}

/** Of the format that this version writes; undefined for anything else. */
export function spillNote(value: Json | undefined): SpillNote | undefined {
  if (!isJsonObject(value) || value["format"] !== SPILL_FORMAT) return undefined;
  const [store, session, base] = [ownValue(value, "store"), ownValue(value, "session"), ownValue(value, "base")];
  return typeof store === "string" && isSessionName(session) && isRevision(base)
    ? { format: SPILL_FORMAT, store, session, base }
    : undefined;
}

function importNote(value: Json | undefined): ImportNote | undefined {
  const updatedAt = isJsonObject(value) ? text(value, "updatedAt") : undefined;
  return updatedAt === undefined || Number.isNaN(Date.parse(updatedAt)) ? undefined : { updatedAt };
}

function sessionMarks(value: Json): SessionMark[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_MARKS) return undefined;
  const marks = (value as readonly Json[]).map((mark) => {
    if (!isJsonObject(mark)) return undefined;
    const [session, revision] = [ownValue(mark, "session"), ownValue(mark, "revision")];
    return isSessionName(session) && isRevision(revision) ? { session, revision } : undefined;
  });
  return marks.includes(undefined) ? undefined : marks.filter((mark) => mark !== undefined);
}

function extraOf(object: JsonObject): JsonObject | undefined {
  const isOwn = (key: string, value: Json): boolean =>
    OWN_FIELDS.has(key) || (key === "imported" && importNote(value) !== undefined);
  const unknown = Object.entries(object).filter(([key, value]) => !isOwn(key, value));
  return unknown.length === 0 ? undefined : Object.fromEntries(unknown);
}

/** `_metadata` of the current schema; a string says what is wrong with it. */
/** Of an address with a key in it, which nothing of ours writes, the key is not taken over. */
function storedUrl(value: JsonObject): string | undefined {
  const url = text(value, "baseUrl");
  return url === undefined || !/^https?:/i.test(url) || credentialIn(url) === undefined ? url : redactUrl(url);
}

export function parseMetadata(value: Json | undefined): Metadata | string {
  if (!isJsonObject(value)) return "it has no _metadata";
  const [version, conversationId, savedAt] = [
    text(value, "version"),
    text(value, "conversationId"),
    text(value, "savedAt"),
  ];
  const revision = count(value, "revision");
  if (version === undefined || conversationId === undefined || savedAt === undefined || revision === undefined) {
    return "its _metadata lacks version, conversationId, savedAt or revision";
  }
  if (revision > MAX_REVISION) return `its revision ${revision} is beyond all that can be counted`;
  const status: Status = STATUSES.find((known) => known === value["status"]) ?? "complete";
  const [checksum, model, baseUrl] = [text(value, "checksum"), text(value, "model"), storedUrl(value)];
  const unbegunCalls = text(value, "unbegunCalls");
  const [backup, extra] = [backupNote(ownValue(value, "backup")), extraOf(value)];
  if (extra !== undefined && Buffer.byteLength(JSON.stringify(extra)) > MAX_EXTRA_BYTES) {
    return `its _metadata holds more than ${MAX_EXTRA_BYTES} bytes of fields that this version does not know`;
  }
  const named = ownValue(value, "sessions");
  const sessions = named === undefined ? [] : sessionMarks(named);
  if (sessions === undefined) return "its _metadata.sessions is not a list of at most 16 sessions with their revisions";
  const spill = spillNote(ownValue(value, "spill"));
  const imported = importNote(ownValue(value, "imported"));
  return {
    savedAt,
    version,
    conversationId,
    revision,
    status,
    createdAt: text(value, "createdAt") ?? savedAt,
    title: text(value, "title") ?? "",
    messageCount: count(value, "messageCount") ?? 0,
    tokenCount: count(value, "tokenCount") ?? 0,
    ...(checksum === undefined ? {} : { checksum }),
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(backup === undefined ? {} : { backup }),
    ...(spill === undefined ? {} : { spill }),
    ...(imported === undefined ? {} : { imported }),
    ...(unbegunCalls === undefined ? {} : { unbegunCalls }),
    ...(sessions.length === 0 ? {} : { sessions }),
    ...(extra === undefined ? {} : { extra }),
  };
}
