/**
 * The bytes of a snapshot or backup as what they are: valid, edited, damaged or from a newer version. Damage is a
 * case that callers must look at, never an exception and never a guess.
 */
import { BACKUP_REASONS, MAX_REVISION, SCHEMA_VERSION, STATUSES, infoOf, type BackupNote, type Metadata, type Status, type Version } from "../model/conversation.js";
import { freezeJson, freezeNode, freezeParsed, isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { migrate } from "../model/migrations/index.js";
import { isDraftstateError, messageOf } from "../errors.js";
import { verifySeal } from "./checksum.js";
import { parseBytes } from "./parse.js";

export type Decoded =
  | { readonly kind: "valid"; readonly state: JsonObject; readonly metadata: Metadata; readonly migratedFrom?: string }
  | { readonly kind: "edited"; readonly state: JsonObject; readonly metadata: Metadata; readonly detail: string }
  | { readonly kind: "damaged"; readonly detail: string }
  | { readonly kind: "newer"; readonly version: string };

export function versionOf({ state, metadata }: Extract<Decoded, { kind: "valid" }>): Version {
  return { state, info: infoOf(metadata), revision: metadata.revision };
}

/** Unknown fields of `_metadata` are kept up to this many bytes of JSON. */
export const MAX_EXTRA_BYTES = 16 * 1024;
const OWN_FIELDS = new Set([
  "savedAt", "version", "conversationId", "revision", "checksum", "createdAt", "title",
  "status", "messageCount", "tokenCount", "model", "baseUrl", "backup",
]);

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

export function isNewer(version: string): boolean {
  return majorOf(version) > majorOf(SCHEMA_VERSION);
}

function text(object: JsonObject, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === "string" ? value : undefined;
}

function count(object: JsonObject, key: string): number | undefined {
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

function extraOf(object: JsonObject): JsonObject | undefined {
  const unknown = Object.entries(object).filter(([key]) => !OWN_FIELDS.has(key));
  return unknown.length === 0 ? undefined : Object.fromEntries(unknown);
}

/** `_metadata` of the current schema; a string says what is wrong with it. */
export function parseMetadata(value: Json | undefined): Metadata | string {
  if (!isJsonObject(value)) return "it has no _metadata";
  const [version, conversationId, savedAt] = [text(value, "version"), text(value, "conversationId"), text(value, "savedAt")];
  const revision = count(value, "revision");
  if (version === undefined || conversationId === undefined || savedAt === undefined || revision === undefined) {
    return "its _metadata lacks version, conversationId, savedAt or revision";
  }
  if (revision > MAX_REVISION) return `its revision ${revision} is beyond all that can be counted`;
  const status: Status = STATUSES.find((known) => known === value["status"]) ?? "complete";
  const [checksum, model, baseUrl] = [text(value, "checksum"), text(value, "model"), text(value, "baseUrl")];
  const [backup, extra] = [backupNote(ownValue(value, "backup")), extraOf(value)];
  if (extra !== undefined && Buffer.byteLength(JSON.stringify(extra)) > MAX_EXTRA_BYTES) {
    return `its _metadata holds more than ${MAX_EXTRA_BYTES} bytes of fields that this version does not know`;
  }
  return {
    savedAt, version, conversationId, revision, status,
    createdAt: text(value, "createdAt") ?? savedAt,
    title: text(value, "title") ?? "",
    messageCount: count(value, "messageCount") ?? 0,
    tokenCount: count(value, "tokenCount") ?? 0,
    ...(checksum === undefined ? {} : { checksum }),
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(backup === undefined ? {} : { backup }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function parseDocument(bytes: Buffer): JsonObject | string {
  let value: unknown;
  try {
    value = parseBytes(bytes);
  } catch (error) {
    return bytes.length === 0 ? "it is empty" : `it is not valid JSON (${messageOf(error).split("\n")[0] ?? ""})`;
  }
  if (!isJsonObject(value)) return "it is not a JSON object";
  try {
    return freezeParsed(value) as JsonObject;
  } catch (error) {
    return messageOf(error);
  }
}

export function decodeSnapshot(bytes: Uint8Array, conversationId: string): Decoded {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const document = parseDocument(buffer);
  if (typeof document === "string") return { kind: "damaged", detail: document };
  const { _metadata: header, ...rest } = document;
  freezeNode(rest);
  const version = isJsonObject(header) ? text(header, "version") : undefined;
  if (version === undefined || !isJsonObject(header)) return { kind: "damaged", detail: "its _metadata names no version" };
  if (isNewer(version)) return { kind: "newer", version };
  const inside = text(header, "conversationId");
  if (inside !== conversationId) {
    return { kind: "damaged", detail: `it belongs to conversation ${JSON.stringify(inside ?? "")}, not to ${JSON.stringify(conversationId)}` };
  }
  return version === SCHEMA_VERSION || ownValue(header, "checksum") !== undefined
    ? decodeCurrent(buffer, header, rest)
    : decodeOlder(version, header, rest);
}

function decodeCurrent(buffer: Buffer, header: JsonObject, rest: JsonObject): Decoded {
  const metadata = parseMetadata(header);
  if (typeof metadata === "string") return { kind: "damaged", detail: metadata };
  if (verifySeal(buffer) === "valid") return { kind: "valid", state: rest, metadata };
  return { kind: "edited", state: rest, metadata, detail: "its checksum differs from its content: it was edited by hand, or damaged" };
}

function decodeOlder(version: string, header: JsonObject, rest: JsonObject): Decoded {
  try {
    const migrated = migrate(version, { ...rest, _metadata: header });
    const metadata = parseMetadata(ownValue(migrated, "_metadata"));
    if (typeof metadata === "string") return { kind: "damaged", detail: metadata };
    const { _metadata: _dropped, ...state } = migrated;
    return { kind: "valid", state: freezeJson(state) as JsonObject, metadata, migratedFrom: version };
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    return { kind: "damaged", detail: error.message };
  }
}

const METADATA_START = '\n  "_metadata": {';

/** `_metadata` from the end of a file alone; undefined when the end does not hold all of it. Not verified. */
export function decodeMetadataEnd(end: Uint8Array): Metadata | undefined {
  const bytes = Buffer.from(end.buffer, end.byteOffset, end.byteLength);
  // A text has its newlines escaped, and only fields of the outermost object are indented by two.
  const start = bytes.lastIndexOf(METADATA_START);
  if (start === -1) return undefined;
  try {
    const parsed: unknown = JSON.parse(`{${bytes.toString("utf8", start)}`);
    const metadata = isJsonObject(parsed) ? parseMetadata(ownValue(parsed, "_metadata")) : undefined;
    return typeof metadata === "string" ? undefined : metadata;
  } catch {
    return undefined;
  }
}
