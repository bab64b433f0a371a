/**
 * What every reader of a foreign file gives: whole conversations, ready to be written, and the words for refusing what
 * cannot be read. Nothing is guessed or turned into null; what has no place of its own in a message is kept in the
 * message's `source`, what has none in the state in its `importedFrom`.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import { initialState, textOf, type BackupNote, type Version } from "../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { ASIDE_REASONS, type AsideReason, type SourceFormat } from "./source-formats.js";

export type { SourceFormat } from "./source-formats.js";

/** What could not be read, and where it is. */
export interface Fault {
  /** In the file, for people: `[3].mapping`, `line 17`. */
  readonly place: string;
  readonly found: string;
}

export interface Aside {
  readonly reason: AsideReason;
  readonly count: number;
}

export interface ImportedPoint {
  readonly timestamp: string;
  readonly version: Version;
  readonly note: BackupNote | undefined;
}

export interface ImportedConversation {
  /** Where in the file, for people: `[3]`; empty for the whole of it. */
  readonly place: string;
  /** What the source calls it; perhaps no id of ours. */
  readonly name: string | undefined;
  readonly version: Version;
  /** When it was last changed where it was had; ISO 8601. */
  readonly updatedAt: string;
  /** Oldest first. */
  readonly points: readonly ImportedPoint[];
  /** What of the source is not among the messages. */
  readonly aside: readonly Aside[];
}

export type ImportItem =
  | { readonly kind: "conversation"; readonly format: SourceFormat; readonly conversation: ImportedConversation }
  | { readonly kind: "fault"; readonly fault: Fault };

export interface ImportOptions {
  /** For what bears no date of its own; ISO 8601. */
  readonly at: string;
  /** Take one of our own files although its checksum says that it was edited or damaged. */
  readonly acceptEdited: boolean;
}

/** None of the formats that can be read: perhaps no conversation at all. */
export class UnknownFormatError extends DraftstateError {
  constructor(found: string) {
    super("CORRUPT", `it ${found}`, { path: "" });
    this.name = "UnknownFormatError";
  }
}

/** What was refused in one place, where the rest is good. Other errors than `CORRUPT` are thrown on. */
export function faultOf(error: unknown, place: string): Fault {
  if (!isDraftstateError(error, "CORRUPT")) throw error;
  const at = error.path === undefined || error.path === "" ? place : error.path;
  const found = [at, "it"].find((subject) => error.message.startsWith(`${subject} `));
  return { place: at, found: found === undefined ? error.message : error.message.slice(found.length + 1) };
}

/** Those that are there, in the order of the reasons. */
export function asidesOf(counts: Partial<Record<AsideReason, number>>): Aside[] {
  return ASIDE_REASONS.map((reason) => ({ reason, count: counts[reason] ?? 0 })).filter(({ count }) => count > 0);
}

/** The latest date that a message bears. */
export function lastDateOf(messages: readonly Json[], otherwise: string): string {
  const dates = messages.flatMap((message) => (isJsonObject(message) ? (textAt(message, "createdAt") ?? []) : []));
  return dates.reduce((latest, date) => (date > latest ? date : latest), dates[0] ?? otherwise);
}

export function refuse(place: string, found: string): DraftstateError {
  return new DraftstateError("CORRUPT", `${place === "" ? "it" : place} ${found}`, { path: place });
}

export function at(place: string, key: string | number): string {
  if (typeof key === "number") return `${place}[${key}]`;
  return place === "" ? key : `${place}.${key}`;
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = ownValue(object, key);
  return isJsonObject(value) ? value : {};
}

export function listAt(object: JsonObject, key: string): readonly Json[] {
  const value = ownValue(object, key);
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function without(object: JsonObject, keys: readonly string[]): JsonObject {
  const left = new Set(keys);
  return Object.fromEntries(Object.entries(object).filter(([key]) => !left.has(key)));
}

/** As a field of a message or state: absent where it holds nothing. */
export function unlessEmpty(name: string, value: JsonObject): JsonObject {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

/** ISO 8601 in UTC and milliseconds; undefined if it is not a time. */
export function toIso(time: Json | undefined): string | undefined {
  const date =
    typeof time === "number"
      ? new Date(time * 1000)
      : typeof time === "string"
        ? new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(time) ? time : `${time}Z`)
        : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

export function mustIso(object: JsonObject, key: string, place: string, otherwise: string): string {
  const time = ownValue(object, key);
  if (time === undefined || time === null || time === "") return otherwise;
  const iso = toIso(time);
  if (iso === undefined) throw refuse(at(place, key), `is not a time: ${JSON.stringify(time).slice(0, 60)}`);
  return iso;
}

/** The state of a conversation that was had elsewhere. */
export function stateOf(messages: readonly JsonObject[], importedFrom: JsonObject): JsonObject {
  const answer = messages.findLast((message) => message["role"] === "assistant");
  return { ...initialState(), messages, currentNarrative: textOf(answer?.["content"]), importedFrom };
}
