/**
 * What was done to a thread's files, so that it can be undone: a sealed record that is durable before the first file moves, and
 * the files beside it, under their names. A record of which no file is in the trash tells of nothing that happened.
 */
import { DraftstateError } from "../errors.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { seal, verifySeal } from "../snapshot/checksum.js";
import type { Key, Lock, Storage } from "../storage/storage.js";
import { newerVersion } from "../store/newer.js";
import { segmentKey } from "../store/names.js";
import type { Store } from "../store/store.js";
import { stampOf, trashKey } from "../store/trash-record.js";

const RECORD_VERSION = 1;
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export type ThreadChange = "delete" | "prune";

export interface ThreadRecordInTrash {
  readonly kind: ThreadChange;
  readonly threadId: string;
  /** Of the thread. */
  readonly createdAt: string;
  readonly stamp: string;
  /** Those that it took away. */
  readonly segments: readonly number[];
}

/** Sorts before the files of its stamp: what is emptied begins with it. */
function recordKey(stamp: string, thread: string): Key {
  return { area: "trash", name: `${stamp}_change_${thread}.json` };
}

function keptKey(stamp: string, thread: string, segment: number): Key {
  return trashKey(stamp, { area: "state", name: segmentKey(thread, segment).name });
}

/** Durable when it resolves. */
export async function beginChange(
  store: Store,
  thread: string,
  record: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  const text = JSON.stringify({ version: RECORD_VERSION, ...record, checksum: "sha256:" }, null, 2);
  await store.storage.replace(recordKey(record.stamp, thread), seal(Buffer.from(`${text}\n`)), lock);
}

/** From the first on, each durably; those that are there already stay. */
export async function takeSegments(
  store: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  for (const segment of segments) {
    const [from, to] = [segmentKey(thread, segment), keptKey(stamp, thread, segment)];
    if ((await store.storage.stat(to)) === undefined) await store.storage.move(from, to, lock);
    else await store.storage.remove(from, lock);
  }
}

/** From the last on: while the first is missing nobody takes the rest for the thread. */
export async function returnSegments(
  store: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  for (const segment of segments.toReversed()) {
    const [from, to] = [keptKey(stamp, thread, segment), segmentKey(thread, segment)];
    if ((await store.storage.stat(to)) === undefined) await store.storage.move(from, to, lock);
    else await store.storage.remove(from, lock);
  }
}

export async function readTaken(
  storage: Storage,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
): Promise<{ number: number; bytes: Uint8Array }[]> {
  const found: { number: number; bytes: Uint8Array }[] = [];
  for (const number of segments) {
    const bytes = await storage.read(keptKey(stamp, thread, number));
    if (bytes !== undefined) found.push({ number, bytes });
  }
  return found;
}

/** It is undone, or was replaced by another: its files go after it. */
export async function forgetChange(
  store: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  await store.storage.remove(recordKey(stamp, thread), lock);
  for (const segment of segments) await store.storage.remove(keptKey(stamp, thread, segment), lock);
}

/** Newest first; those of which nothing is in the trash are left out. Throws `NEWER_VERSION` where the newest is of a newer version. */
export async function changesOf(storage: Storage, thread: string): Promise<ThreadRecordInTrash[]> {
  const names = await storage.list("trash");
  const suffix = `_change_${thread}.json`;
  const found: ThreadRecordInTrash[] = [];
  for (const name of names.filter((each) => each.endsWith(suffix)).reverse()) {
    const stamp = stampOf(name);
    if (stamp === undefined || name !== `${stamp}${suffix}`) continue;
    const record = await readRecord(storage, thread, stamp, found.length === 0);
    const isKept = record?.segments.some((segment) => names.includes(keptKey(stamp, thread, segment).name));
    if (record !== undefined && isKept === true) found.push(record);
  }
  return found;
}

/** The newest record that names the segment, of the thread that was begun then. */
export async function changeThatTook(
  storage: Storage,
  thread: string,
  segment: number,
  createdAt: string,
): Promise<ThreadRecordInTrash | undefined> {
  const suffix = `_change_${thread}.json`;
  for (const name of (await storage.list("trash")).filter((each) => each.endsWith(suffix)).reverse()) {
    const stamp = stampOf(name);
    const record = stamp === undefined ? undefined : await readRecord(storage, thread, stamp, false);
    if (record?.createdAt === createdAt && record.segments.includes(segment)) return record;
  }
  return undefined;
}

async function readRecord(
  storage: Storage,
  thread: string,
  stamp: string,
  refusesNewer: boolean,
): Promise<ThreadRecordInTrash | undefined> {
  const key = recordKey(stamp, thread);
  const bytes = await storage.read(key, { maxBytes: MAX_RECORD_BYTES });
  if (bytes === undefined || verifySeal(Buffer.from(bytes)) !== "valid") return undefined;
  const value = parsed(bytes);
  const version = value === undefined ? undefined : ownValue(value, "version");
  if (typeof version === "number" && version > RECORD_VERSION) {
    if (refusesNewer) throw newerVersion(storage.describe(key), `record version ${version}`);
    return undefined;
  }
  return value === undefined || value["stamp"] !== stamp ? undefined : decodeRecord(value, stamp);
}

function decodeRecord(value: JsonObject, stamp: string): ThreadRecordInTrash | undefined {
  const { kind, threadId, createdAt } = value;
  const segments = ownValue(value, "segments");
  const isNumber = (item: Json): item is number => typeof item === "number" && Number.isSafeInteger(item) && item > 0;
  if ((kind !== "delete" && kind !== "prune") || typeof threadId !== "string" || typeof createdAt !== "string")
    return undefined;
  if (!Array.isArray(segments) || !(segments as readonly Json[]).every(isNumber)) return undefined;
  return { kind, threadId, createdAt, stamp, segments: segments as readonly number[] };
}

function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function existsAgain(threadId: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `thread ${threadId} exists again, nothing was put back: delete or copy it first`,
  );
}
