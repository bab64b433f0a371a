/**
 * The record of what was done to a LangGraph thread, and the names of its files in the trash. Sealed, and durable before the
 * first file moves. One of a newer version is told from damage; a damaged one undoes nothing.
 */
import { isDraftstateError } from "../errors.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { seal, verifySeal } from "../snapshot/checksum.js";
import type { Key, Storage } from "../storage/storage.js";
import { isThreadName, parseSegmentName, segmentKey } from "./names.js";
import { stampOf, trashKey } from "./trash-record.js";

const RECORD_VERSION = 1;
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

const CHANGES = ["delete", "prune", "repair"] as const;
export type ThreadChange = (typeof CHANGES)[number];

export interface ThreadRecordInTrash {
  readonly kind: ThreadChange;
  readonly threadId: string;
  /** Of the thread. */
  readonly createdAt: string;
  readonly stamp: string;
  /** Shared by what one command did to several threads: one undo takes all of it back. */
  readonly group: string;
  /** Those that it took away. */
  readonly segments: readonly number[];
  /** Of a prune: namespace and id of each checkpoint that it removed; undefined where a program did not say. */
  readonly removed?: readonly RemovedCheckpoint[];
}

export type RemovedCheckpoint = readonly [namespace: string, id: string];

export interface NamedThreadRecord {
  readonly stamp: string;
  /** The thread's id as it stands in names. */
  readonly thread: string;
}

export type DecodedThreadRecord =
  | { readonly kind: "valid"; readonly record: ThreadRecordInTrash }
  | { readonly kind: "newer"; readonly detail: string }
  | { readonly kind: "damaged" };

/** Sorts before the files of its stamp: what is emptied begins with it. */
export function threadRecordKey({ stamp, thread }: NamedThreadRecord): Key {
  return { area: "trash", name: `${stamp}_change_${thread}.json` };
}

export function keptSegmentKey({ stamp, thread }: NamedThreadRecord, segment: number): Key {
  return trashKey(stamp, { area: "state", name: segmentKey(thread, segment).name });
}

/** Undefined for any other name. */
export function parseThreadRecordName(name: string): NamedThreadRecord | undefined {
  const stamp = stampOf(name);
  const thread = stamp === undefined ? undefined : /^_change_(.+)\.json$/.exec(name.slice(stamp.length))?.[1];
  return stamp === undefined || thread === undefined || !isThreadName(thread) ? undefined : { stamp, thread };
}

/** Which thread anything in the trash is of, as it stands in names; undefined where it is of none. */
export function threadIn(name: string): string | undefined {
  const stamp = stampOf(name);
  if (stamp === undefined) return undefined;
  const segment = /^_state_(.+)$/.exec(name.slice(stamp.length))?.[1];
  return parseThreadRecordName(name)?.thread ?? parseSegmentName(segment ?? "")?.thread;
}

export function encodeThreadRecord(record: ThreadRecordInTrash): Uint8Array {
  const text = JSON.stringify({ version: RECORD_VERSION, ...record, checksum: "sha256:" }, null, 2);
  return seal(Buffer.from(`${text}\n`));
}

/** Undefined if there is none. */
export async function readThreadRecord(
  storage: Storage,
  named: NamedThreadRecord,
): Promise<DecodedThreadRecord | undefined> {
  try {
    const bytes = await storage.read(threadRecordKey(named), { maxBytes: MAX_RECORD_BYTES });
    return bytes === undefined ? undefined : decode(bytes, named.stamp);
  } catch (error) {
    // Too large, a directory, a link: one bad record hides no other.
    if (isDraftstateError(error, "CORRUPT")) return { kind: "damaged" };
    throw error;
  }
}

function decode(bytes: Uint8Array, stamp: string): DecodedThreadRecord {
  const value = verifySeal(Buffer.from(bytes)) === "valid" ? parsed(bytes) : undefined;
  if (value === undefined) return { kind: "damaged" };
  const version = ownValue(value, "version");
  if (typeof version === "number" && version > RECORD_VERSION)
    return { kind: "newer", detail: `record version ${version}` };
  const record = value["stamp"] === stamp ? decodeFields(value, stamp) : undefined;
  if (record !== undefined) return { kind: "valid", record };
  const kind = value["kind"];
  return typeof kind === "string" && !CHANGES.some((known) => known === kind)
    ? { kind: "newer", detail: `operation ${JSON.stringify(kind).slice(0, 40)}` }
    : { kind: "damaged" };
}

function decodeFields(value: JsonObject, stamp: string): ThreadRecordInTrash | undefined {
  const { threadId, createdAt, group } = value;
  const kind = CHANGES.find((known) => known === value["kind"]);
  const segments = ownValue(value, "segments");
  if (kind === undefined || typeof threadId !== "string" || typeof createdAt !== "string") return undefined;
  if (!Array.isArray(segments) || !(segments as readonly Json[]).every(isNumber)) return undefined;
  return {
    kind,
    threadId,
    createdAt,
    stamp,
    group: typeof group === "string" ? group : stamp,
    segments: segments as readonly number[],
    ...removedIn(value),
  };
}

function removedIn(value: JsonObject): { readonly removed?: readonly RemovedCheckpoint[] } {
  const listed = ownValue(value, "removed");
  const entries: readonly Json[] = Array.isArray(listed) ? listed : [];
  const removed = entries.flatMap((entry): RemovedCheckpoint[] => {
    const [namespace, id] = Array.isArray(entry) ? (entry as readonly Json[]) : [];
    return typeof namespace === "string" && typeof id === "string" ? [[namespace, id]] : [];
  });
  return Array.isArray(listed) && removed.length === entries.length ? { removed } : {};
}

function isNumber(item: Json): item is number {
  return typeof item === "number" && Number.isSafeInteger(item) && item > 0;
}

function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
