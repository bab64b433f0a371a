/**
 * Backups of one conversation as files: their heads, their contents, their making. A backup shares no bytes with the
 * snapshot. Writing happens under the conversation's lock, of what is durable (I7).
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { metadataOf, type BackupNote, type BackupReason, type Metadata, type Version } from "../model/conversation.js";
import { assertText } from "../model/given.js";
import { implausible, isPlausibleTime } from "../plan/plausible.js";
import { newestFirst, type RetainedBackup } from "../plan/retention.js";
import { decodeMetadataEnd, decodeSnapshot, versionOf, type Decoded } from "../snapshot/decode.js";
import { isNewer } from "../snapshot/metadata.js";
import { SnapshotParts } from "../snapshot/encode.js";
import type { End, Lock, Storage } from "../storage/storage.js";
import { assertBackupsInReach } from "./away.js";
import { compressed, decompress, decompressEnd, MAX_FILE_BYTES } from "./codec.js";
import {
  backupKey,
  backupName,
  backupPrefix,
  fromTimestamp,
  parseBackupName,
  toTimestamp,
  type BackupName,
  type Compression,
} from "./names.js";
import { newerVersion } from "./newer.js";
import { didYouMean } from "./nearest.js";

/** Holds nearly every `_metadata`. */
export const METADATA_END_BYTES = 4096;
/** Holds every one that can be written. */
const LONGEST_METADATA_BYTES = 64 * 1024;

/** A backup as its name and the end of its file tell of it. Its content is verified when it is used. */
export interface Backup extends BackupName, RetainedBackup {
  readonly path: string;
  readonly sizeBytes: number;
  readonly messageCount: number;
  /** Of the conversation, ISO 8601: it tells an earlier conversation of the same id apart. Undefined where the head cannot be read. */
  readonly createdAt: string | undefined;
  readonly reason: BackupReason | undefined;
  readonly tag?: string;
  /** What is wrong with it; undefined when valid. */
  readonly problem: string | undefined;
}

/** Names alone, newest timestamp first. Throws `STORAGE` where their directory is away. */
export async function listBackupNames(storage: Storage, id: string): Promise<BackupName[]> {
  const names = (await storage.list("backup", { prefix: backupPrefix(id) })).flatMap(
    (name) => parseBackupName(name) ?? [],
  );
  const own = names.filter((backup) => backup.conversationId === id);
  if (own.length === 0) await assertBackupsInReach(storage);
  return own.sort((left, right) => (left.timestamp < right.timestamp ? 1 : -1));
}

/** Every backup, newest revision first; those whose head cannot be read say so. */
export async function readBackupHeads(storage: Storage, id: string): Promise<Backup[]> {
  return headsOf(storage, await listBackupNames(storage, id));
}

/** The same for names that are known. Those that are gone by now are left out. */
export async function headsOf(storage: Storage, names: readonly BackupName[]): Promise<Backup[]> {
  const plain = names.filter(({ compression }) => compression === "none");
  const ends = new Map(
    (await storage.readEnds(plain.map(backupKey), METADATA_END_BYTES)).map((end, index) => [plain[index]?.name, end]),
  );
  const heads: Backup[] = [];
  for (const name of names) {
    const head =
      name.compression === "none"
        ? await plainHead(storage, name, ends.get(name.name))
        : await compressedHead(storage, name);
    if (head !== undefined) heads.push(head);
  }
  return newestFirst(heads);
}

async function plainHead(storage: Storage, name: BackupName, end: End | undefined): Promise<Backup | undefined> {
  if (end === undefined) return undefined;
  const metadata =
    ownMetadata(name, end.bytes) ??
    (end.size > METADATA_END_BYTES
      ? ownMetadata(name, (await storage.readEnd(backupKey(name), LONGEST_METADATA_BYTES))?.bytes)
      : undefined);
  return metadata === undefined ? wholeHead(storage, name, end.size) : headOf(storage, name, end.size, metadata);
}

async function compressedHead(storage: Storage, name: BackupName): Promise<Backup | undefined> {
  const { compression } = name;
  if (compression === "none") return undefined;
  try {
    const bytes = await storage.read(backupKey(name), { maxBytes: MAX_FILE_BYTES });
    if (bytes === undefined) return undefined;
    const metadata = ownMetadata(name, await decompressEnd(bytes, compression, LONGEST_METADATA_BYTES));
    return metadata === undefined
      ? await wholeHead(storage, name, bytes.length)
      : headOf(storage, name, bytes.length, metadata);
  } catch (error) {
    if (!isDraftstateError(error, "CORRUPT")) throw error;
    return headOf(storage, name, (await storage.stat(backupKey(name)))?.size ?? 0, undefined, error.message);
  }
}

/** Of an older schema, or damaged: its end does not tell. */
async function wholeHead(storage: Storage, name: BackupName, sizeBytes: number): Promise<Backup | undefined> {
  const decoded = await readBackupFile(storage, name);
  if (decoded === undefined) return undefined;
  const metadata = decoded.kind === "valid" || decoded.kind === "edited" ? decoded.metadata : undefined;
  return headOf(storage, name, sizeBytes, metadata, problemOf(decoded), decoded.kind === "newer");
}

function ownMetadata(name: BackupName, end: Uint8Array | undefined): Metadata | undefined {
  const metadata = end === undefined ? undefined : decodeMetadataEnd(end);
  return metadata?.conversationId === name.conversationId && metadata.checksum !== undefined ? metadata : undefined;
}

function headOf(
  storage: Storage,
  name: BackupName,
  sizeBytes: number,
  metadata: Metadata | undefined,
  found?: string,
  isOfNewer = false,
): Backup {
  const at = fromTimestamp(name.timestamp).getTime();
  const revision = metadata?.revision ?? 0;
  const claim = implausible({ revision, at });
  const note = metadata?.backup;
  // It cannot be used, but its revision still counts.
  const newer = isOfNewer || (metadata !== undefined && isNewer(metadata.version));
  const problem =
    claim ?? found ?? (metadata !== undefined && newer ? `it is of the newer schema ${metadata.version}` : undefined);
  return {
    ...name,
    // What is not believed comes last.
    at: claim === undefined ? at : 0,
    revision: claim === undefined ? revision : 0,
    pinned: note?.pinned === true || note?.tag !== undefined,
    createdAt: metadata?.createdAt,
    reason: note?.reason,
    ...(note?.tag === undefined ? {} : { tag: note.tag }),
    messageCount: metadata?.messageCount ?? 0,
    path: storage.describe(backupKey(name)),
    sizeBytes,
    valid: problem === undefined && metadata !== undefined,
    ...(newer ? { newer } : {}),
    problem: problem ?? (metadata === undefined ? "it is damaged" : undefined),
  };
}

export function problemOf(decoded: Decoded): string | undefined {
  if (decoded.kind === "valid") return undefined;
  return decoded.kind === "newer" ? `it is of the newer schema ${decoded.version}` : decoded.detail;
}

/** Decompressed; undefined where it is gone or cannot be read. */
export async function readBackupBytes(storage: Storage, backup: BackupName): Promise<Uint8Array | undefined> {
  try {
    const bytes = await storage.read(backupKey(backup), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined ? undefined : await decompress(bytes, backup.compression);
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT")) return undefined;
    throw error;
  }
}

export async function readBackupFile(storage: Storage, backup: BackupName): Promise<Decoded | undefined> {
  try {
    const bytes = await storage.read(backupKey(backup), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined
      ? undefined
      : believed(decodeSnapshot(await decompress(bytes, backup.compression), backup.conversationId), backup);
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT")) return { kind: "damaged", detail: error.message };
    throw error;
  }
}

function believed(decoded: Decoded, { timestamp }: BackupName): Decoded {
  const revision = decoded.kind === "valid" || decoded.kind === "edited" ? decoded.metadata.revision : 0;
  const claim = implausible({ revision, at: fromTimestamp(timestamp).getTime() });
  return claim === undefined || decoded.kind === "newer" ? decoded : { kind: "damaged", detail: claim };
}

/** The content of a backup, verified. Throws `CORRUPT`, `NEWER_VERSION`, or `NOT_FOUND` where it is gone by now. */
export async function readBackupVersion(storage: Storage, backup: BackupName): Promise<Version> {
  const decoded = await readBackupFile(storage, backup);
  const path = storage.describe(backupKey(backup));
  if (decoded === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `backup ${path} is gone: manager.listBackups("${backup.conversationId}") lists those that are left`,
      { path },
    );
  if (decoded.kind === "valid") return versionOf(decoded);
  if (decoded.kind === "newer") throw newerVersion(path, `it is of the newer schema ${decoded.version}`);
  throw new DraftstateError("CORRUPT", `backup ${path} cannot be used: ${problemOf(decoded) ?? "it is damaged"}`, {
    path,
  });
}

/** Never before one that exists, so that names sort as revisions do. */
function timestampAfter(newest: string | undefined, now: Date): string {
  const floor = newest === undefined ? 0 : fromTimestamp(newest).getTime() + 1;
  return toTimestamp(new Date(isPlausibleTime(floor) ? Math.max(now.getTime(), floor) : now.getTime()));
}

export interface BackupRequest {
  readonly id: string;
  readonly version: Version;
  readonly note: BackupNote;
  readonly compression: Compression;
  readonly now: Date;
  readonly guard: Lock;
  /** The newest timestamp of a backup of this conversation. */
  readonly newest: string | undefined;
}

/** Streamed to disk; durable when it resolves. */
export async function writeBackup(
  storage: Storage,
  { id, version, note, compression, now, guard, newest }: BackupRequest,
): Promise<Backup> {
  // A backup may be put in the snapshot's place later, when its calls have been made.
  const { unbegunCalls: _now, ...head } = metadataOf(version, id, now.toISOString());
  const metadata = { ...head, backup: note };
  const name = await createBackup(storage, {
    id,
    compression,
    now,
    guard,
    newest,
    parts: new SnapshotParts(version.state, metadata),
  });
  return headOf(storage, name, name.bytes, { ...metadata, checksum: "" });
}

/** A file of ours as a backup, byte for byte. */
export function keepAsBackup(
  storage: Storage,
  request: Omit<BackupRequest, "version" | "note"> & { readonly bytes: Uint8Array },
): Promise<BackupName> {
  return createBackup(storage, { ...request, parts: [request.bytes] });
}

type CreateRequest = Omit<BackupRequest, "version" | "note"> & { readonly parts: Iterable<Uint8Array> };

async function createBackup(
  storage: Storage,
  { id, compression, now: first, guard, newest, parts }: CreateRequest,
): Promise<BackupName & { readonly bytes: number }> {
  for (let now = first; ; now = new Date(now.getTime() + 1)) {
    const name = backupName(id, timestampAfter(newest, now), compression);
    const counted = new Counted(compressed(parts, compression));
    if (await storage.create(backupKey(name), counted, guard)) return { ...name, bytes: counted.bytes };
  }
}

/** Parts, and how many bytes of them were taken. */
class Counted implements AsyncIterable<Uint8Array> {
  bytes = 0;

  constructor(private readonly parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const part of this.parts) {
      this.bytes += part.length;
      yield part;
    }
  }
}

/** A backup by timestamp, unique prefix of one, ISO form, tag, `latest`, `@n` or `~n` (which shells expand). Throws `NOT_FOUND` or, where several fit, `USAGE`. */
export function resolveBackup(backups: readonly Backup[], id: string, wanted: string): Backup {
  assertText(wanted, "the name of a backup");
  const relative = wanted === "latest" ? 0 : /^[~@]\d{1,6}$/.test(wanted) ? Number(wanted.slice(1)) : undefined;
  if (relative !== undefined) {
    const found = backups[relative];
    if (found === undefined) throw notFound(id, wanted, backups);
    return found;
  }
  const timestamp = wanted.replaceAll(/[:.]/g, "-");
  const fits = backups.filter((backup) => backup.timestamp.startsWith(timestamp) || backup.tag === wanted);
  const exact = fits.find((backup) => backup.timestamp === timestamp);
  const [first, ...others] = fits;
  if (exact !== undefined) return exact;
  if (first === undefined || timestamp === "") throw notFound(id, wanted, backups);
  if (others.length === 0) return first;
  if (fits.every(({ tag }) => tag === wanted)) throw sameTag(id, wanted, fits);
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(wanted)} matches ${fits.length} backups of ${id}: give more of the timestamp (manager.listBackups("${id}") lists them)`,
  );
}

function sameTag(id: string, tag: string, backups: readonly Backup[]): DraftstateError {
  const times = backups.map(({ timestamp }) => timestamp).join(", ");
  return new DraftstateError(
    "USAGE",
    `${backups.length} backups of ${id} have the tag ${tag}: name one by its timestamp (${times})`,
  );
}

function notFound(id: string, wanted: string, backups: readonly Backup[]): DraftstateError {
  if (backups.length === 0)
    return new DraftstateError("NOT_FOUND", `${id} has no backups: manager.backup("${id}") makes one`);
  // Of a timestamp, as much is compared as was typed.
  const typed = wanted.replaceAll(/[:.]/g, "-");
  const names = backups.flatMap(({ timestamp, tag }) => [
    timestamp.slice(0, Math.max(typed.length, "2025-01-14".length)),
    ...(tag === undefined ? [] : [tag]),
  ]);
  const hint = /^[~@]/.test(wanted)
    ? ""
    : wanted.startsWith("/")
      ? " (a shell makes a path of ~1: write @1)"
      : didYouMean(typed, ["latest", ...names]);
  return new DraftstateError(
    "NOT_FOUND",
    `${id} has no backup ${JSON.stringify(wanted)} among its ${backups.length}${hint}: manager.listBackups("${id}") lists them`,
  );
}
