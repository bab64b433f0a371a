/**
 * Backups of one conversation: made, listed, found by name, kept within bounds. A backup is a file of its own that
 * shares no bytes with the snapshot, taken only of what is durable (I7). Writing happens under the conversation's lock.
 */
import { DraftstateError } from "../errors.js";
import { metadataOf, type BackupNote, type BackupReason, type Metadata, type Version } from "../model/conversation.js";
import { jsonEqual } from "../model/json.js";
import { newestFirst, planRetention, type RetainedBackup, type RetentionPlan, type RetentionPolicy } from "../plan/retention.js";
import { encodeSnapshot } from "../snapshot/encode.js";
import { decodeMetadataEnd, type Decoded } from "../snapshot/decode.js";
import type { Storage } from "../storage/storage.js";
import { didYouMean } from "./nearest.js";
import { compress } from "./codec.js";
import { backupKey, backupName, fromTimestamp, toTimestamp, type BackupName, type Compression } from "./names.js";
import { listBackupNames, METADATA_END_BYTES, newerVersion, readBackupFile, versionOf } from "./read.js";

export interface Backup extends BackupName, RetainedBackup {
  readonly conversationId: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly messageCount: number;
  readonly reason: BackupReason | undefined;
  readonly tag?: string;
  /** What is wrong with it; undefined when valid. */
  readonly problem: string | undefined;
  readonly decoded: Decoded;
}

function problemOf(decoded: Decoded): string | undefined {
  if (decoded.kind === "valid") return undefined;
  return decoded.kind === "newer" ? `it is of the newer schema ${decoded.version}` : decoded.detail;
}

function metadataIn(decoded: Decoded): Metadata | undefined {
  return decoded.kind === "valid" || decoded.kind === "edited" ? decoded.metadata : undefined;
}

async function inspect(storage: Storage, name: BackupName): Promise<Backup | undefined> {
  const [decoded, stat] = [await readBackupFile(storage, name), await storage.stat(backupKey(name))];
  if (decoded === undefined || stat === undefined) return undefined;
  const metadata = metadataIn(decoded);
  const note = metadata?.backup;
  return {
    ...name,
    ...retained(name, metadata),
    path: storage.describe(backupKey(name)),
    sizeBytes: stat.size,
    messageCount: metadata?.messageCount ?? 0,
    ...(note?.tag === undefined ? {} : { tag: note.tag }),
    valid: decoded.kind === "valid",
    problem: problemOf(decoded),
    decoded,
  };
}

/** Every backup, read and verified, newest first; damaged ones are rows that say so. */
export async function listBackups(storage: Storage, id: string): Promise<Backup[]> {
  return inspectBackups(storage, await listBackupNames(storage, id));
}

/** The same for names that are known, so that whoever looks at many conversations lists the directory once. */
export async function inspectBackups(storage: Storage, names: readonly BackupName[]): Promise<Backup[]> {
  const backups: Backup[] = [];
  for (const name of names) {
    const backup = await inspect(storage, name);
    if (backup !== undefined) backups.push(backup);
  }
  return newestFirst(backups);
}

export interface BackupHead extends BackupName, RetainedBackup {
  readonly reason: BackupReason | undefined;
  readonly path: string;
}

/** What retention needs to know, from the end of each file where that is enough; not verified. */
export async function listBackupHeads(storage: Storage, id: string): Promise<BackupHead[]> {
  return backupHeads(storage, await listBackupNames(storage, id));
}

/** The same for names that are known. */
export async function backupHeads(storage: Storage, names: readonly BackupName[]): Promise<BackupHead[]> {
  const heads: BackupHead[] = [];
  for (const name of names) {
    const end = name.compression === "none" ? await storage.readEnd(backupKey(name), METADATA_END_BYTES) : undefined;
    const quick = end === undefined ? undefined : decodeMetadataEnd(end.bytes);
    const decoded = quick === undefined ? await readBackupFile(storage, name) : undefined;
    // Gone since its name was listed.
    if (quick === undefined && decoded === undefined) continue;
    const metadata = quick ?? (decoded === undefined ? undefined : metadataIn(decoded));
    heads.push({ ...name, ...retained(name, metadata), valid: metadata !== undefined, path: storage.describe(backupKey(name)) });
  }
  return newestFirst(heads);
}

function retained(name: BackupName, metadata: Metadata | undefined): Omit<BackupHead, keyof BackupName | "valid" | "path"> {
  const note = metadata?.backup;
  return {
    at: fromTimestamp(name.timestamp).getTime(),
    revision: metadata?.revision ?? 0,
    pinned: note?.pinned === true || note?.tag !== undefined,
    reason: note?.reason,
  };
}

/** Years have four digits in a name: behind this one there is no later. */
const LAST_NAMED_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The next free timestamp: never before one that exists, so that names sort as revisions do. */
function nextTimestamp(existing: readonly BackupName[], now: Date): string {
  const newest = existing[0];
  const floor = newest === undefined ? 0 : fromTimestamp(newest.timestamp).getTime() + 1;
  return toTimestamp(new Date(floor > LAST_NAMED_TIME ? now.getTime() : Math.max(now.getTime(), floor)));
}

export interface BackupRequest {
  readonly id: string;
  /** A snapshot's bytes. */
  readonly bytes: Uint8Array;
  readonly compression: Compression;
  readonly now: Date;
}

export function encodeBackup(id: string, version: Version, note: BackupNote, now: Date): Uint8Array {
  return encodeSnapshot(version.state, { ...metadataOf(version, id, now.toISOString()), backup: note });
}

export interface WrittenBackup extends BackupName {
  readonly bytes: number;
}

export async function writeBackup(storage: Storage, request: BackupRequest): Promise<WrittenBackup> {
  const { id, compression } = request;
  const bytes = await compress(request.bytes, compression);
  const existing = await listBackupNames(storage, id);
  for (let now = request.now; ; now = new Date(now.getTime() + 1)) {
    const name = backupName(id, nextTimestamp(existing, now), compression);
    if (await storage.create(backupKey(name), bytes)) return { ...name, bytes: bytes.length };
  }
}

/** The newest backup, when it holds exactly this state: then another would add nothing. An interim one is replaced soon, and does not count. */
export async function backupHolding(storage: Storage, id: string, version: Version): Promise<BackupName | undefined> {
  const newest = (await listBackupNames(storage, id))[0];
  if (newest === undefined) return undefined;
  const decoded = await readBackupFile(storage, newest);
  if (decoded?.kind !== "valid" || decoded.metadata.backup?.reason === "interim") return undefined;
  return jsonEqual(decoded.state, version.state) ? newest : undefined;
}

export function planPrune<B extends RetainedBackup>(backups: readonly B[], policy: RetentionPolicy, context: { now: Date; protectLastValid: boolean }): RetentionPlan<B> {
  return planRetention(backups, policy, { now: context.now.getTime(), protectLastValid: context.protectLastValid });
}

/** A backup by timestamp, unique prefix of one, ISO form, tag, `latest`, `@n` or `~n` (which shells expand). Throws `NOT_FOUND` or, where several fit, `USAGE`. */
export function resolveBackup(backups: readonly Backup[], id: string, wanted: string): Backup {
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
  throw new DraftstateError("USAGE", `${JSON.stringify(wanted)} fits ${fits.length} backups of ${id}: give more of the timestamp ("draftstate backups ${id}" lists them)`);
}

function notFound(id: string, wanted: string, backups: readonly Backup[]): DraftstateError {
  // Of a timestamp, as much is compared as was typed.
  const typed = wanted.replaceAll(/[:.]/g, "-");
  const names = backups.flatMap(({ timestamp, tag }) => [timestamp.slice(0, Math.max(typed.length, "2025-01-14".length)), ...(tag === undefined ? [] : [tag])]);
  const hint = /^[~@]/.test(wanted) ? "" : wanted.startsWith("/") ? " (a shell makes a path of ~1: write @1)" : didYouMean(typed, ["latest", ...names]);
  return new DraftstateError("NOT_FOUND", `${id} has no backup ${JSON.stringify(wanted)} among its ${backups.length}${hint}: "draftstate backups ${id}" lists them`);
}

/** The content of a valid backup. Throws `NEWER_VERSION` or `CORRUPT` for any other. */
export function contentOf(backup: Backup): Version {
  if (backup.decoded.kind === "valid") return versionOf(backup.decoded);
  if (backup.decoded.kind === "newer") throw newerVersion(backup.path, `it is of the newer schema ${backup.decoded.version}`);
  throw new DraftstateError("CORRUPT", `backup ${backup.path} cannot be used: ${backup.problem ?? "it is damaged"}`, { path: backup.path });
}
