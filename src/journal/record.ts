/**
 * Bytes ↔ record. A journal is lines of JSON; each line begins with its checksum and its length:
 *   {"crc":"9a3c01ff","len":41,"rev":231,"at":1736890201000,"token":" end."}
 * `crc` is CRC-32 over everything behind its comma up to the closing brace, `len` counts the bytes behind its own comma.
 */
import { crc32 } from "node:zlib";
import { MAX_REVISION } from "../model/conversation.js";
import { isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import { isSessionName } from "../model/sessions.js";
import { parsePatch, type Patch, type TokenPatch } from "../model/patches.js";
import { messageOf } from "../errors.js";

export const JOURNAL_VERSION = 1;

/** The first line: whose journal it is and which snapshot it continues. */
export interface JournalHeader {
  readonly conversationId: string;
  /** Of the conversation, ISO 8601: a journal left by an earlier conversation of the same id is told by it. */
  readonly createdAt: string;
  /** Revision of the snapshot that the first record follows. */
  readonly base: number;
  /** The session that writes it; left out by programs that name none. */
  readonly session?: string;
}

/** Fields of the conversation's info that a record sets; null takes one away. */
export type InfoChange = { readonly [field in "title" | "model" | "baseUrl"]?: string | null };

export interface JournalRecord {
  /** The first of the revisions that the record holds; equal to `revision` unless changes were merged. */
  readonly from: number;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly patches: readonly Patch[];
  readonly info?: InfoChange;
}

export type DecodedLine =
  | { readonly kind: "header"; readonly header: JournalHeader }
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "bad"; readonly detail: string };

const LINE = /^\{"crc":"([0-9a-f]{8})",("len":(\d{1,12}),)/;

function encodeLine(fields: string): string {
  const body = `"len":${Buffer.byteLength(fields) + 1},${fields}}`;
  return `{"crc":"${crc32(body).toString(16).padStart(8, "0")}",${body}\n`;
}

function encodeFields(fields: object): string {
  return JSON.stringify(fields).slice(1, -1);
}

export function encodeHeader(header: JournalHeader): string {
  return encodeLine(encodeFields({ journal: JOURNAL_VERSION, ...header }));
}

function tokenFields(patch: TokenPatch): object {
  return patch.count === 1 ? { token: patch.text } : { token: patch.text, last: patch.last, count: patch.count };
}

export function encodeRecord(record: JournalRecord): string {
  const { from, revision, at, patches, info } = record;
  const [only] = patches;
  const change = patches.length === 1 && only?.op === "token" && info === undefined ? tokenFields(only) : { patches, ...(info === undefined ? {} : { info }) };
  return encodeLine(encodeFields({ rev: revision, ...(from === revision ? {} : { from }), at, ...change }));
}

function bad(detail: string): DecodedLine {
  return { kind: "bad", detail };
}

/** One line without its newline. */
export function decodeLine(line: Buffer): DecodedLine {
  const start = LINE.exec(line.toString("latin1", 0, 64));
  if (start === null) return bad("it does not begin like a record");
  const [, crc = "", lengthField = "", length = ""] = start;
  const bodyAt = '{"crc":"00000000",'.length;
  if (line.length !== bodyAt + lengthField.length + Number(length)) return bad("its length differs from what it says");
  if (crc32(line.subarray(bodyAt)).toString(16).padStart(8, "0") !== crc) return bad("its checksum differs from its content");
  try {
    const value: unknown = JSON.parse(line.toString("utf8"));
    return isJsonObject(value) ? decodeFields(value) : bad("it is not an object");
  } catch (error) {
    return bad(messageOf(error));
  }
}

function decodeFields(fields: JsonObject): DecodedLine {
  if (ownValue(fields, "journal") !== undefined) return decodeHeader(fields);
  const [revision, from = revision, at] = [fields["rev"], fields["from"], fields["at"]];
  if (!isRevision(revision) || !isRevision(from) || from > revision) return bad("its revision is wrong");
  if (!isTime(at)) return bad("its time is wrong");
  const patches = decodePatches(fields);
  const info = ownValue(fields, "info");
  return { kind: "record", record: { from, revision, at, patches, ...(isJsonObject(info) ? { info: decodeInfo(info) } : {}) } };
}

function decodeHeader(fields: JsonObject): DecodedLine {
  const { journal, conversationId, createdAt, base } = fields;
  const session = ownValue(fields, "session");
  if (journal !== JOURNAL_VERSION) return bad(`its journal version ${JSON.stringify(journal)} is unknown`);
  if (typeof conversationId !== "string" || typeof createdAt !== "string" || typeof base !== "number") return bad("its header is incomplete");
  // A name that is none is no reason to give up the records: nobody wrote them that is known, that is all.
  return { kind: "header", header: { conversationId, createdAt, base, ...(isSessionName(session) ? { session } : {}) } };
}

function decodePatches(fields: JsonObject): Patch[] {
  const token = ownValue(fields, "token");
  if (typeof token === "string") {
    const [last, count] = [ownValue(fields, "last"), ownValue(fields, "count")];
    return [{ op: "token", text: token, last: typeof last === "string" ? last : token, count: count === undefined ? 1 : countOf(count) }];
  }
  const patches = ownValue(fields, "patches");
  if (!Array.isArray(patches)) throw new TypeError("it holds no change");
  return (patches as readonly unknown[]).map(decodePatch);
}

function decodePatch(value: unknown): Patch {
  if (isJsonObject(value) && value["op"] === "token") {
    const { text, last, count } = value;
    if (typeof text === "string" && typeof last === "string") return { op: "token", text, last, count: countOf(count) };
  }
  const patch = parsePatch(value);
  if (patch.op !== "token" && (patch.path[0] === FILE_FIELD || (patch.path.length === 0 && "value" in patch && isJsonObject(patch.value) && Object.hasOwn(patch.value, FILE_FIELD)))) {
    throw new TypeError(`it changes ${FILE_FIELD}, which is the file's own`);
  }
  return patch;
}

const FILE_FIELD = "_metadata";

function countOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError("it counts its tokens by what is no count");
}

function decodeInfo(value: JsonObject): InfoChange {
  const change: { -readonly [field in keyof InfoChange]: InfoChange[field] } = {};
  for (const field of ["title", "model", "baseUrl"] as const) {
    const found = ownValue(value, field);
    if (typeof found === "string" || found === null) change[field] = found;
  }
  return change;
}

function isRevision(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= MAX_REVISION;
}

/** Within what a Date can hold. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && !Number.isNaN(new Date(value).getTime());
}
