/**
 * What a line of a namespace's two files means. The snapshot: a header that counts the items, and an item a line. The journal:
 * a header that names the revision it follows, then a batch of changes a line. Well-formed lines of another kind were written
 * by a newer version. Pure.
 */
import { encodeLine, type DecodedPayload, type PayloadCodec } from "../journal/framing.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import type { ItemChange, StoredItem } from "./item.js";

export const ITEMS_VERSION = 1;

/** The labels of a namespace, the outermost first. */
export type Labels = readonly string[];

export interface SnapshotHeader {
  readonly kind: "snapshot";
  readonly namespace: Labels;
  /** Of the last change that it holds. */
  readonly revision: number;
  readonly count: number;
}

export interface JournalHeader {
  readonly kind: "journal";
  readonly namespace: Labels;
  /** The revision of the snapshot that it follows. */
  readonly base: number;
}

export interface ItemRecord {
  readonly kind: "item";
  readonly key: string;
  readonly item: StoredItem;
}

/** All of it happened, or none. */
export interface ChangesRecord {
  readonly kind: "changes";
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly changes: readonly ItemChange[];
}

/** The last line of a journal whose writer ended well: everything before it is durable. */
export interface EndRecord {
  readonly kind: "end";
}

export type ItemsLine = SnapshotHeader | JournalHeader | ItemRecord | ChangesRecord | EndRecord;

export const ITEMS_CODEC: PayloadCodec<ItemsLine> = { decode, misplaced };

export function encodeSnapshotHeader({ namespace, revision, count }: Omit<SnapshotHeader, "kind">): string {
  return encodeLine({ items: ITEMS_VERSION, namespace, revision, count });
}

export function encodeJournalHeader({ namespace, base }: Omit<JournalHeader, "kind">): string {
  return encodeLine({ changes: ITEMS_VERSION, namespace, base });
}

export function encodeItem(key: string, item: StoredItem): string {
  return encodeLine({ item: key, ...item });
}

export function encodeChanges({ revision, at, changes }: Omit<ChangesRecord, "kind">): string {
  return encodeLine({ rev: revision, at, of: changes.map(({ kind, key, ...rest }) => ({ [kind]: key, ...rest })) });
}

export function encodeItemsEnd(): string {
  return encodeLine({ end: true });
}

function decode(fields: JsonObject): DecodedPayload<ItemsLine> {
  for (const name of ["items", "changes"]) {
    const version = ownValue(fields, name);
    if (version !== undefined && version !== ITEMS_VERSION)
      return { kind: "newer", detail: `store items version ${JSON.stringify(version).slice(0, 40)}` };
  }
  const has = (name: string): boolean => Object.hasOwn(fields, name);
  if (has("items")) return { kind: "ok", value: decodeSnapshotHeader(fields) };
  if (has("changes")) return { kind: "ok", value: decodeJournalHeader(fields) };
  if (has("item")) return { kind: "ok", value: { kind: "item", key: text(fields, "item"), item: decodeItem(fields) } };
  if (has("rev")) return decodeChanges(fields);
  if (has("end")) return { kind: "ok", value: { kind: "end" } };
  return { kind: "newer", detail: `a record with ${JSON.stringify(Object.keys(fields).at(2) ?? "").slice(0, 40)}` };
}

function misplaced(line: ItemsLine, before: ItemsLine | undefined): string | undefined {
  const isHeader = line.kind === "snapshot" || line.kind === "journal";
  if (isHeader) return before === undefined ? undefined : "a second header";
  if (before === undefined) return "a record without a header";
  const isSnapshot = before.kind === "snapshot" || before.kind === "item";
  if (isSnapshot !== (line.kind === "item")) return "a record of the other file";
  return before.kind === "end" ? "a record behind the end" : undefined;
}

function decodeSnapshotHeader(fields: JsonObject): SnapshotHeader {
  return {
    kind: "snapshot",
    namespace: labels(fields),
    revision: count(fields, "revision"),
    count: count(fields, "count"),
  };
}

function decodeJournalHeader(fields: JsonObject): JournalHeader {
  return { kind: "journal", namespace: labels(fields), base: count(fields, "base") };
}

function decodeItem(fields: JsonObject): StoredItem {
  return {
    value: object(fields, "value"),
    createdAt: count(fields, "createdAt"),
    updatedAt: count(fields, "updatedAt"),
    ...(Object.hasOwn(fields, "ttl") ? { ttl: count(fields, "ttl") } : {}),
    ...(Object.hasOwn(fields, "expiresAt") ? { expiresAt: count(fields, "expiresAt") } : {}),
    ...vectorsOf(fields),
  };
}

function decodeChanges(fields: JsonObject): DecodedPayload<ChangesRecord> {
  const listed = ownValue(fields, "of");
  if (!Array.isArray(listed)) throw new TypeError("it holds no changes");
  const changes: ItemChange[] = [];
  for (const entry of listed as readonly Json[]) {
    const change = isJsonObject(entry) ? decodeChange(entry) : undefined;
    if (change === undefined) return { kind: "newer", detail: "a change of another kind" };
    changes.push(change);
  }
  const value = { kind: "changes", revision: count(fields, "rev"), at: count(fields, "at"), changes } as const;
  return { kind: "ok", value };
}

function decodeChange(fields: JsonObject): ItemChange | undefined {
  if (Object.hasOwn(fields, "delete")) return { kind: "delete", key: text(fields, "delete") };
  if (Object.hasOwn(fields, "touch")) return { kind: "touch", key: text(fields, "touch") };
  if (!Object.hasOwn(fields, "put")) return undefined;
  return {
    kind: "put",
    key: text(fields, "put"),
    value: object(fields, "value"),
    ...(Object.hasOwn(fields, "ttl") ? { ttl: count(fields, "ttl") } : {}),
    ...vectorsOf(fields),
  };
}

function vectorsOf(fields: JsonObject): { readonly vectors?: Readonly<Record<string, string>> } {
  if (!Object.hasOwn(fields, "vectors")) return {};
  const vectors = object(fields, "vectors");
  if (!Object.values(vectors).every((vector) => typeof vector === "string"))
    throw new TypeError("one of its vectors is not base64");
  return { vectors: vectors as Readonly<Record<string, string>> };
}

function object(fields: JsonObject, name: string): JsonObject {
  const value = ownValue(fields, name);
  if (isJsonObject(value)) return value;
  throw new TypeError(`its ${name} is not an object`);
}

function text(fields: JsonObject, name: string): string {
  const value = ownValue(fields, name);
  if (typeof value === "string") return value;
  throw new TypeError(`its ${name} is not a text`);
}

function count(fields: JsonObject, name: string): number {
  const value = ownValue(fields, name);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`its ${name} is not a whole number`);
}

function labels(fields: JsonObject): Labels {
  const value = ownValue(fields, "namespace");
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    (value as readonly Json[]).every((label) => typeof label === "string")
  )
    return value as Labels;
  throw new TypeError("its namespace is not a list of labels");
}
