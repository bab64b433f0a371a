/**
 * What was done to a thread's files, so that it can be undone: a sealed record that is durable before the first file moves, and
 * the files beside it, under their names. A record of which no file is in the trash tells of nothing that happened.
 */
import { DraftstateError } from "../errors.js";
import type { Lock, Storage } from "../storage/storage.js";
import { newerVersion } from "../store/newer.js";
import { segmentKey } from "../store/names.js";
import type { Store } from "../store/store.js";
import {
  encodeThreadRecord,
  keptSegmentKey,
  parseThreadRecordName,
  readThreadRecord,
  threadIn,
  threadRecordKey,
  type NamedThreadRecord,
  type ThreadRecordInTrash,
} from "../store/thread-record.js";
import { stampOf } from "../store/trash-record.js";

/** A record that can be undone, with the name of its thread. */
export type KeptChange = ThreadRecordInTrash & NamedThreadRecord;

/** Durable when it resolves. */
export async function beginChange(
  { storage }: Store,
  thread: string,
  record: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  await storage.replace(threadRecordKey({ stamp: record.stamp, thread }), encodeThreadRecord(record), lock);
}

/** From the first on, each durably; those that are there already stay. */
export async function takeSegments(
  { storage }: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  for (const segment of segments) {
    const [from, to] = [segmentKey(thread, segment), keptSegmentKey({ stamp, thread }, segment)];
    if ((await storage.stat(to)) === undefined) await storage.move(from, to, lock);
    else await storage.remove(from, lock);
  }
}

/** From the last on: while the first is missing, the rest is not taken for the thread. */
export async function returnSegments(
  { storage }: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  for (const segment of segments.toReversed()) {
    const [from, to] = [keptSegmentKey({ stamp, thread }, segment), segmentKey(thread, segment)];
    if ((await storage.stat(to)) === undefined) await storage.move(from, to, lock);
    else await storage.remove(from, lock);
  }
}

export interface TakenSegment {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export async function readTaken(
  storage: Storage,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
): Promise<TakenSegment[]> {
  const found: TakenSegment[] = [];
  for (const number of segments) {
    const bytes = await storage.read(keptSegmentKey({ stamp, thread }, number));
    if (bytes !== undefined) found.push({ number, bytes });
  }
  return found;
}

/** It is undone, or was replaced by another: its files go after it. */
export async function forgetChange(
  { storage }: Store,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
  lock: Lock,
): Promise<void> {
  await storage.remove(threadRecordKey({ stamp, thread }), lock);
  for (const segment of segments) await storage.remove(keptSegmentKey({ stamp, thread }, segment), lock);
}

/**
 * Before the thread goes for good: all that is kept of it, with a record or without. What stays is of an earlier one of its id that
 * was deleted before, or was done by a newer version.
 */
export async function forgetChanges({ storage }: Store, thread: string, lock: Lock): Promise<void> {
  const names = await storage.list("trash");
  const stay = new Set<string>();
  let isEarlier = false;
  for (const named of names.toReversed().flatMap((name) => parseThreadRecordName(name) ?? [])) {
    if (named.thread !== thread) continue;
    const decoded = await readThreadRecord(storage, named);
    if (decoded?.kind === "valid" && decoded.record.kind === "delete")
      isEarlier ||= !(await isOfPresent(storage, thread, decoded.record));
    if (decoded?.kind === "newer" || (decoded?.kind === "valid" && isEarlier)) stay.add(named.stamp);
  }
  // A record sorts before its files.
  for (const name of names)
    if (threadIn(name) === thread && !stay.has(stampOf(name) ?? ""))
      await storage.remove({ area: "trash", name }, lock);
  await storage.settle("trash");
}

/** Of a deletion that was cut off, or whose undo was: a segment never left, or is back, as it was or with more behind it. */
export async function isOfPresent(
  storage: Storage,
  thread: string,
  { stamp, segments }: ThreadRecordInTrash,
): Promise<boolean> {
  for (const segment of segments) {
    const kept = await storage.read(keptSegmentKey({ stamp, thread }, segment));
    if (kept === undefined) return true;
    const present = await storage.read(segmentKey(thread, segment));
    if (present !== undefined && Buffer.from(kept).equals(present.subarray(0, kept.length))) return true;
  }
  return false;
}

export interface ChangesWanted {
  readonly fits: (named: NamedThreadRecord) => boolean;
  /** The newest, and what the same command did. */
  readonly groupOnly?: boolean;
  /** For a list of them. */
  readonly skipNewer?: boolean;
}

/**
 * Newest first; those of which nothing is in the trash are left out. Throws `NEWER_VERSION` where the newest is of a newer
 * version: what lies below it is not undone in its place.
 */
export async function changesInTrash(
  storage: Storage,
  { fits, groupOnly = false, skipNewer = false }: ChangesWanted,
  listed?: readonly string[],
): Promise<KeptChange[]> {
  const names = listed ?? (await storage.list("trash"));
  const present = new Set(names);
  const found: KeptChange[] = [];
  for (const named of names.toReversed().flatMap((name) => parseThreadRecordName(name) ?? [])) {
    const [newest] = found;
    if (groupOnly && newest !== undefined && named.stamp < newest.group) break;
    if (!fits(named)) continue;
    const decoded = await readThreadRecord(storage, named);
    if (decoded?.kind === "newer" && newest === undefined && !skipNewer)
      throw newerVersion(storage.describe(threadRecordKey(named)), decoded.detail);
    if (decoded?.kind !== "valid") continue;
    const { record } = decoded;
    const isKept = record.segments.some((segment) => present.has(keptSegmentKey(named, segment).name));
    if (isKept && (!groupOnly || newest === undefined || isSameCommand(record, newest)))
      found.push({ ...record, ...named });
  }
  return found;
}

function isSameCommand(left: ThreadRecordInTrash, right: ThreadRecordInTrash): boolean {
  return left.group === right.group && left.kind === right.kind;
}

/** Changes of which nothing has moved yet: a crash may have cut them off, and the thread's next writer settles them. */
export async function unmovedChanges(storage: Storage): Promise<KeptChange[]> {
  const names = await storage.list("trash");
  const present = new Set(names);
  const found: KeptChange[] = [];
  for (const named of names.flatMap((name) => parseThreadRecordName(name) ?? [])) {
    const decoded = await readThreadRecord(storage, named);
    if (decoded?.kind !== "valid") continue;
    const { segments } = decoded.record;
    if (!segments.some((segment) => present.has(keptSegmentKey(named, segment).name)))
      found.push({ ...decoded.record, ...named });
  }
  return found;
}

/** Of one thread. */
export function changesOf(storage: Storage, thread: string): Promise<KeptChange[]> {
  return changesInTrash(storage, { fits: (named) => named.thread === thread });
}

/** The newest record that names the segment, of the thread that was begun then. */
export async function changeThatTook(
  storage: Storage,
  thread: string,
  segment: number,
  createdAt: string,
): Promise<ThreadRecordInTrash | undefined> {
  const names = (await storage.list("trash")).toReversed();
  for (const named of names.flatMap((name) => parseThreadRecordName(name) ?? [])) {
    if (named.thread !== thread) continue;
    const decoded = await readThreadRecord(storage, named);
    if (decoded?.kind !== "valid") continue;
    const { record } = decoded;
    if (record.createdAt === createdAt && record.segments.includes(segment)) return record;
  }
  return undefined;
}

export function existsAgain(threadId: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `thread ${threadId} exists again, nothing was put back: delete or copy it first`,
  );
}
