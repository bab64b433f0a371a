/**
 * What a line of a conversation's journal means: the header, or a record with its changes. What is well-formed and unknown here
 * (another journal version, another kind of record, another operation) was written by a newer version: never damage.
 */
import { MAX_REVISION } from "../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { isSessionName } from "../model/sessions.js";
import { isPatchOperation, parsePatch, type Patch, type TokenPatch } from "../model/patches.js";
import type { Numbered } from "./continuity.js";
import { decodeLine as decodeFramed, encodeLine, type DecodedPayload, type PayloadCodec } from "./framing.js";

export const JOURNAL_VERSION = 1;

const INFO_FIELDS = ["title", "model", "baseUrl", "unbegunCalls"] as const;

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
export type InfoChange = { readonly [field in (typeof INFO_FIELDS)[number]]?: string | null };

/** `from` is equal to `revision` unless changes were merged. */
export interface JournalRecord extends Numbered {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly patches: readonly Patch[];
  readonly info?: InfoChange;
}

export type JournalLine =
  | { readonly kind: "header"; readonly header: JournalHeader }
  | { readonly kind: "record"; readonly record: JournalRecord };

export type DecodedLine = JournalLine | Exclude<DecodedPayload<JournalLine>, { kind: "ok" }>;

export const JOURNAL_CODEC: PayloadCodec<JournalLine> = { decode, misplaced };

/** One line without its newline. */
export function decodeLine(line: Buffer): DecodedLine {
  const decoded = decodeFramed(line, JOURNAL_CODEC);
  return decoded.kind === "ok" ? decoded.value : decoded;
}

export function encodeHeader(header: JournalHeader): string {
  return encodeLine({ journal: JOURNAL_VERSION, ...header });
}

function tokenFields(patch: TokenPatch): object {
  return patch.count === 1 ? { token: patch.text } : { token: patch.text, last: patch.last, count: patch.count };
}

export function encodeRecord(record: JournalRecord): string {
  const { from, revision, at, patches, info } = record;
  const [only] = patches;
  const change =
    patches.length === 1 && only?.op === "token" && info === undefined
      ? tokenFields(only)
      : { patches, ...(info === undefined ? {} : { info }) };
  return encodeLine({ rev: revision, ...(from === revision ? {} : { from }), at, ...change });
}

type Decoded = DecodedPayload<JournalLine>;

function bad(detail: string): Decoded {
  return { kind: "bad", detail };
}

function newer(detail: string): Decoded {
  return { kind: "newer", detail };
}

function decode(fields: JsonObject): Decoded {
  if (ownValue(fields, "journal") !== undefined) return decodeHeader(fields);
  const unknown = unknownIn(fields);
  if (unknown !== undefined) return newer(unknown);
  const [revision, from = revision, at] = [fields["rev"], fields["from"], fields["at"]];
  if (!isRevision(revision) || !isRevision(from) || from > revision) return bad("its revision is wrong");
  if (!isTime(at)) return bad("its time is wrong");
  const patches = decodePatches(fields);
  const info = ownValue(fields, "info");
  return {
    kind: "ok",
    value: {
      kind: "record",
      record: { from, revision, at, patches, ...(isJsonObject(info) ? { info: decodeInfo(info) } : {}) },
    },
  };
}

function misplaced(line: JournalLine, before: JournalLine | undefined): string | undefined {
  if (line.kind === "header") return before === undefined ? undefined : "a second header";
  return before === undefined ? "a record without a header" : undefined;
}

function decodeHeader(fields: JsonObject): Decoded {
  const { journal, conversationId, createdAt, base } = fields;
  const session = ownValue(fields, "session");
  if (journal !== JOURNAL_VERSION) return newer(`journal version ${named([journal])}`);
  if (typeof conversationId !== "string" || typeof createdAt !== "string" || typeof base !== "number")
    return bad("its header is incomplete");
  // An invalid session name does not invalidate the records: their writer is unknown then, as where no name is given.
  return {
    kind: "ok",
    value: {
      kind: "header",
      header: { conversationId, createdAt, base, ...(isSessionName(session) ? { session } : {}) },
    },
  };
}

const CHANGES = ["token", "patches", "info"] as const;

/** What only a newer version can have written; looked for before anything else, since it may give the rest another meaning. */
function unknownIn(fields: JsonObject): string | undefined {
  const others = CHANGES.some((kind) => ownValue(fields, kind) !== undefined)
    ? []
    : Object.keys(fields).filter((key) => !ENVELOPE.has(key));
  if (others.length > 0) return `a record of another kind, with ${named(others)}`;
  const [patches, info] = [ownValue(fields, "patches"), ownValue(fields, "info")];
  const operations = Array.isArray(patches)
    ? (patches as readonly Json[]).map((patch) => (isJsonObject(patch) ? ownValue(patch, "op") : undefined))
    : [];
  const operation = operations.find((op) => typeof op === "string" && !isPatchOperation(op));
  if (operation !== undefined) return `a change by ${named([operation])}`;
  const field = isJsonObject(info)
    ? Object.keys(info).find((key) => !INFO_FIELDS.some((known) => known === key))
    : undefined;
  return field === undefined ? undefined : `a change of ${named([field])}`;
}

const ENVELOPE: ReadonlySet<string> = new Set(["crc", "len", "rev", "from", "at"]);

/** A few, each cut: they may be of any kind and length. */
function named(values: readonly (Json | undefined)[]): string {
  return values
    .slice(0, 3)
    .map((value) => JSON.stringify(value).slice(0, 40))
    .join(", ");
}

function decodePatches(fields: JsonObject): Patch[] {
  const token = ownValue(fields, "token");
  if (typeof token === "string") {
    const [last, count] = [ownValue(fields, "last"), ownValue(fields, "count")];
    return [
      {
        op: "token",
        text: token,
        last: typeof last === "string" ? last : token,
        count: count === undefined ? 1 : countOf(count),
      },
    ];
  }
  const patches = ownValue(fields, "patches");
  // A change of the info alone.
  if (patches === undefined && token === undefined && isJsonObject(ownValue(fields, "info"))) return [];
  if (!Array.isArray(patches)) throw new TypeError("it holds no change");
  return (patches as readonly unknown[]).map(decodePatch);
}

function decodePatch(value: unknown): Patch {
  if (isJsonObject(value) && value["op"] === "token") {
    const { text, last, count } = value;
    if (typeof text === "string" && typeof last === "string") return { op: "token", text, last, count: countOf(count) };
  }
  const patch = parsePatch(value);
  if (
    patch.op !== "token" &&
    (patch.path[0] === FILE_FIELD ||
      (patch.path.length === 0 &&
        "value" in patch &&
        isJsonObject(patch.value) &&
        Object.hasOwn(patch.value, FILE_FIELD)))
  ) {
    throw new TypeError(`it changes ${FILE_FIELD}, which is the file's own`);
  }
  return patch;
}

const FILE_FIELD = "_metadata";

function countOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError("its token count is not a count");
}

function decodeInfo(value: JsonObject): InfoChange {
  const change: { -readonly [field in keyof InfoChange]: InfoChange[field] } = {};
  for (const field of INFO_FIELDS) {
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
