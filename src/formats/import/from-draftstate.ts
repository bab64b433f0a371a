/** Our own files: exports (`json`, `jsonl`), snapshots and backups. A checksum that is there must be right; an export has none. */
import { DraftstateError } from "../../errors.js";
import { infoOf, SCHEMA_VERSION, type BackupNote, type Version } from "../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { decodeSnapshot, isNewer, parseMetadata } from "../../snapshot/decode.js";
import { EXPORT_FIELD, EXPORT_FORMAT } from "../json-export.js";
import {
  at,
  listAt,
  objectAt,
  refuse,
  textAt,
  without,
  type ImportedConversation,
  type ImportedPoint,
  type ImportOptions,
} from "./imported.js";
import type { Line } from "./text/json-lines.js";

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

export function isOurDocument(value: Json): value is JsonObject {
  return isJsonObject(value) && typeof objectAt(value, "_metadata")["version"] === "string";
}

export function isOurHeader(value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && isJsonObject(ownValue(value, EXPORT_FIELD));
}

interface Read {
  readonly conversationId: string;
  readonly version: Version;
  readonly note: BackupNote | undefined;
  readonly updatedAt: string;
}

function readVersion(state: Json | undefined, header: Json | undefined, place: string): Read {
  if (!isJsonObject(state) || !isJsonObject(header)) throw refuse(place, "has no state and _metadata");
  const metadata = parseMetadata(without(header, [EXPORT_FIELD]));
  if (typeof metadata === "string") throw refuse(place, `cannot be read: ${metadata}`);
  if (metadata.version !== SCHEMA_VERSION) assertKnown(metadata.version, place);
  const version = { state, info: infoOf(metadata), revision: Math.max(1, metadata.revision) };
  return {
    conversationId: metadata.conversationId,
    version,
    note: metadata.backup,
    updatedAt: metadata.imported?.updatedAt ?? metadata.savedAt,
  };
}

function assertKnown(version: string, place: string): void {
  if (!isNewer(version)) return;
  throw new DraftstateError(
    "NEWER_VERSION",
    `${place === "" ? "it" : place} was written by a newer version (schema ${version}): update draftstate to import it`,
  );
}

function readPoint(value: Json, place: string): ImportedPoint {
  const timestamp = isJsonObject(value) ? textAt(value, "timestamp") : undefined;
  if (!isJsonObject(value) || timestamp === undefined || !TIMESTAMP.test(timestamp))
    throw refuse(place, "is not a backup: it has no timestamp");
  const { version, note } = readVersion(ownValue(value, "state"), ownValue(value, "metadata"), place);
  return { timestamp, version, note };
}

/** Of older exports under their older name. */
function backupsIn(mark: JsonObject, place: string): ImportedPoint[] {
  return ["backups", "restorePoints"].flatMap((name) =>
    listAt(mark, name).map((point, index) => readPoint(point, at(place, `${name}[${index}]`))),
  );
}

function assemble(read: Read, mark: JsonObject, place: string): ImportedConversation {
  const format = ownValue(mark, "format");
  if (typeof format === "number" && format > EXPORT_FORMAT)
    throw new DraftstateError(
      "NEWER_VERSION",
      `it was exported by a newer version (format ${format}): update draftstate to import it`,
    );
  const points = backupsIn(mark, place);
  points.sort((left, right) => (left.timestamp < right.timestamp ? -1 : 1));
  // Revisions are never used twice: the next follows the highest it ever had.
  const revision = Math.max(read.version.revision, ...points.map((point) => point.version.revision));
  const { conversationId: name, updatedAt } = read;
  return { place: "", name, version: { ...read.version, revision }, updatedAt, points, aside: [] };
}

export function fromOurDocument(document: JsonObject, bytes: Uint8Array, options: ImportOptions): ImportedConversation {
  const header = objectAt(document, "_metadata");
  assertKnown(textAt(header, "version") ?? "", "");
  if (ownValue(header, "checksum") !== undefined) assertSealed(bytes, textAt(header, "conversationId") ?? "", options);
  const { _metadata: _header, ...state } = document;
  return assemble(readVersion(state, header, ""), objectAt(header, EXPORT_FIELD), `_metadata.${EXPORT_FIELD}`);
}

function assertSealed(bytes: Uint8Array, conversationId: string, options: ImportOptions): void {
  const decoded = decodeSnapshot(bytes, conversationId);
  if (decoded.kind === "valid" || (decoded.kind === "edited" && options.acceptEdited)) return;
  if (decoded.kind === "edited")
    throw refuse(
      "",
      "was edited by hand or damaged (its checksum differs): look at it, then import it with acceptEdited: true",
    );
  throw refuse("", `cannot be read: ${decoded.kind === "damaged" ? decoded.detail : `schema ${decoded.version}`}`);
}

export function fromOurLines(lines: readonly Line[]): ImportedConversation {
  const [first, ...rest] = lines;
  const header = isJsonObject(first?.value) ? first.value : {};
  const mark = objectAt(header, EXPORT_FIELD);
  const announced = ownValue(mark, "messages");
  if (announced !== rest.length)
    throw refuse(
      "",
      `has ${rest.length} messages where its first line announces ${JSON.stringify(announced ?? null)}: it was cut short or added to`,
    );
  const state = ownValue(header, "state");
  if (!isJsonObject(state)) throw refuse("line 1", "has no state");
  const whole = Array.isArray(ownValue(state, "messages"))
    ? { ...state, messages: rest.map((line) => line.value) }
    : state;
  return assemble(readVersion(whole, ownValue(header, "metadata"), "line 1"), mark, `line 1.${EXPORT_FIELD}`);
}
