/** Which name in storage belongs to which conversation, and the way back. Pure. */
import { DraftstateError } from "../errors.js";
import { digestOf } from "../snapshot/checksum.js";
import type { Key } from "../storage/storage.js";

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;
const TIMESTAMP_LENGTH = "2025-01-14T21-30-00-000Z".length;

export const COMPRESSIONS = ["none", "gzip", "brotli", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

const EXTENSIONS: Readonly<Record<Compression, string>> = {
  none: ".json",
  gzip: ".json.gz",
  brotli: ".json.br",
  zstd: ".json.zst",
};

/** What Syncthing and ownCloud call the second copy of a file: all other tools use characters that no id has. */
const CONFLICT_COPY = /(?:\.sync-conflict|_conflict)-\d{8}-\d{6}(?:-[A-Z0-9]{7})?$/;

export function isConversationId(id: string): boolean {
  return ID.test(id) && !DEVICE.test(id) && !CONFLICT_COPY.test(id);
}

export function assertConversationId(id: unknown): asserts id is string {
  if (typeof id === "string" && isConversationId(id)) return;
  const shown = typeof id === "string" ? JSON.stringify(id.slice(0, 140)) : typeof id;
  throw new DraftstateError(
    "INVALID_ID",
    `${shown} cannot be a conversation id: 1 to 128 letters, digits, ".", "_" or "-", starting with a letter or digit, and not a device name or the name of a conflict copy`,
  );
}

export function snapshotKey(id: string): Key {
  return { area: "state", name: `${id}.json` };
}

export function journalKey(id: string): Key {
  return { area: "state", name: `${id}.journal` };
}

/** Which message's tool calls wait there and were not begun: session/unbegun-calls.ts. No copy, backup or undo carries it. */
export function unbegunKey(id: string): Key {
  return { area: "history", name: `${id}.unbegun` };
}

/** Where a session keeps what it cannot write to its store; read from the end, since an id may hold dots. */
export function spillKey(id: string, session: string): Key {
  return { area: "state", name: `${id}.${session}.spill` };
}

export function parseSpillName(
  name: string,
): { readonly conversationId: string; readonly session: string } | undefined {
  const [, conversationId = "", session = ""] = /^(.+)\.([A-Za-z0-9]+)\.spill$/.exec(name) ?? [];
  return isConversationId(conversationId) ? { conversationId, session } : undefined;
}

/** The conversations that have a snapshot or a journal among these names of the state area, sorted. */
export function conversationIds(names: readonly string[]): string[] {
  const ids = names.flatMap((name) => {
    const id = /^(.+)\.(?:json|journal)$/.exec(name)?.[1];
    return id !== undefined && isConversationId(id) ? [id] : [];
  });
  return [...new Set(ids)].sort();
}

/** Longest text of a thread's id that its name spells out. */
const MAX_THREAD_NAME = 120;
const SEGMENT = /^(.+)\.(\d{6,15})\.thread$/;

/**
 * A thread's id in names: a program's own text. Lower-case letters, digits, `-`, `_` and inner dots stand for themselves, every
 * other byte of its UTF-8 is `%xx`, so that no two ids differ by case alone; a long one ends with `%-` and its SHA-256.
 */
export function threadName(threadId: string): string {
  const escaped = Buffer.from(threadId, "utf8").reduce((name, byte, at) => {
    const character = String.fromCharCode(byte);
    return name + (/[a-z0-9_-]/.test(character) || (character === "." && at > 0) ? character : escapedByte(byte));
  }, "");
  const name = DEVICE.test(escaped) ? escapedByte(escaped.charCodeAt(0)) + escaped.slice(1) : escaped;
  return name.length <= MAX_THREAD_NAME ? name : `${wholeEscapes(name.slice(0, 40))}%-${digestOf(threadId)}`;
}

function escapedByte(byte: number): string {
  return `%${byte.toString(16).padStart(2, "0")}`;
}

function wholeEscapes(name: string): string {
  return name.replace(/%[0-9a-f]?$/, "");
}

/** The id that a name spells out; undefined for one that is cut, which its file tells. */
export function threadIdOf(thread: string): string | undefined {
  if (thread.includes("%-")) return undefined;
  const bytes = thread.replaceAll(/%([0-9a-f]{2})/g, (_, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** One file of a thread's log; the highest number is written, the others are full. */
export function segmentKey(thread: string, segment: number): Key {
  return { area: "state", name: `${segmentPrefix(thread)}${String(segment).padStart(6, "0")}.thread` };
}

/** What every segment of the thread begins with, and some of threads whose names begin alike. */
export function segmentPrefix(thread: string): string {
  return `${thread}.`;
}

export interface SegmentName {
  readonly thread: string;
  readonly segment: number;
}

/** Read from the end, since an id may hold dots. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, thread, segment] = SEGMENT.exec(name) ?? [];
  return thread === undefined || !isThreadName(thread) ? undefined : { thread, segment: Number(segment) };
}

/** Threads that have a file among these names of the state area, as they stand in names; each once, in their order. */
export function threadNames(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => parseSegmentName(name)?.thread ?? []))];
}

/** Whether a program's id could have been given the name. */
export function isThreadName(thread: string): boolean {
  const id = threadIdOf(thread);
  return id === undefined ? /^[a-z0-9._%-]+%-[0-9a-f]{64}$/.test(thread) : id !== "" && threadName(id) === thread;
}

const THREAD_LOCK = "thread~";

/** Of a thread: no conversation's id can be the same. */
export function threadLock(thread: string): string {
  return `${THREAD_LOCK}${thread}`;
}

/** Whose lock it is, as the id stands in names; undefined for one of a conversation. */
export function threadOfLock(lock: string): string | undefined {
  const thread = lock.startsWith(THREAD_LOCK) ? lock.slice(THREAD_LOCK.length) : "";
  return isThreadName(thread) ? thread : undefined;
}

/** Also conversations of which only backups are left. */
export function knownIds(stateNames: readonly string[], backupNames: readonly string[]): string[] {
  const backedUp = backupNames.flatMap((name) => parseBackupName(name)?.conversationId ?? []);
  return [...new Set([...conversationIds(stateNames), ...backedUp])].sort();
}

export interface BackupName {
  readonly name: string;
  readonly conversationId: string;
  /** `2025-01-14T21-30-00-000Z`. */
  readonly timestamp: string;
  readonly compression: Compression;
}

/** Read from the end, since an id may hold `_` and even look like a timestamp. */
export function parseBackupName(name: string): BackupName | undefined {
  for (const compression of COMPRESSIONS) {
    const extension = EXTENSIONS[compression];
    if (!name.endsWith(extension)) continue;
    const stem = name.slice(0, -extension.length);
    const timestamp = stem.slice(-TIMESTAMP_LENGTH);
    const conversationId = stem.slice(0, -TIMESTAMP_LENGTH - 1);
    const separated = stem.at(-TIMESTAMP_LENGTH - 1) === "_";
    if (separated && isTimestamp(timestamp) && isConversationId(conversationId))
      return { name, conversationId, timestamp, compression };
  }
  return undefined;
}

/** Newest first of each conversation; for work on many conversations, so that a directory is listed once. */
export function backupsById(names: readonly string[]): Map<string, BackupName[]> {
  const byId = new Map<string, BackupName[]>();
  for (const name of names) {
    const backup = parseBackupName(name);
    if (backup === undefined) continue;
    const others = byId.get(backup.conversationId);
    if (others === undefined) byId.set(backup.conversationId, [backup]);
    else others.push(backup);
  }
  for (const backups of byId.values()) backups.sort((left, right) => (left.timestamp < right.timestamp ? 1 : -1));
  return byId;
}

/** What every backup of the conversation begins with, and some of conversations whose ids begin alike. */
export function backupPrefix(conversationId: string): string {
  return `${conversationId}_`;
}

export function backupName(conversationId: string, timestamp: string, compression: Compression): BackupName {
  return { name: `${conversationId}_${timestamp}${EXTENSIONS[compression]}`, conversationId, timestamp, compression };
}

export function backupKey(backup: Pick<BackupName, "name">): Key {
  return { area: "backup", name: backup.name };
}

/** In the form of one, and a time that exists. */
function isTimestamp(text: string): boolean {
  return TIMESTAMP.test(text) && !Number.isNaN(fromTimestamp(text).getTime());
}

export function toTimestamp(date: Date): string {
  return date.toISOString().replaceAll(/[:.]/g, "-");
}

export function fromTimestamp(timestamp: string): Date {
  return new Date(timestamp.replace(/T(\d\d)-(\d\d)-(\d\d)-/, "T$1:$2:$3."));
}
