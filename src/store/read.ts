/**
 * Reading without a lock. The journal is read before the snapshot: whatever a writer folds in meanwhile is then in the
 * snapshot, so a reader sees everything that was durable when it began, and never half a change (I6).
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import type { Metadata, Version } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import { scanJournal } from "../journal/scan.js";
import {
  needsBackups,
  orderForRecovery,
  type RecoveryHead,
  planRecovery,
  type Found,
  type FoundBackup,
  type Problem,
  type RecoveryPlan,
} from "../plan/recovery.js";
import { decodeEnd, decodeSnapshot, isNewer, type Decoded } from "../snapshot/decode.js";
import type { End, Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "./codec.js";
import { isAbsent, storeIsMissing } from "./away.js";
import { newerVersion } from "./newer.js";
import { METADATA_END_BYTES, readBackupFile, readBackupHeads } from "./backups.js";
import { journalKey, knownIds, snapshotKey } from "./names.js";

/** For those with many fields of other applications. */
const LONG_METADATA_END_BYTES = 64 * 1024;

export type UsablePlan = Extract<RecoveryPlan, { kind: "usable" }>;

export async function readSnapshot(storage: Storage, id: string): Promise<Decoded | undefined> {
  try {
    const bytes = await storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined ? undefined : decodeSnapshot(bytes, id);
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT")) return { kind: "damaged", detail: error.message };
    throw error;
  }
}

/** In the order in which recovery looks at them, up to and with the first that is valid. `journal`: what they may belong to; `isLast`: looked at where no other is valid. */
export async function readBackupsUntilValid(
  storage: Storage,
  id: string,
  journal: Found["journal"],
  isLast: (head: RecoveryHead) => boolean = () => false,
): Promise<FoundBackup[]> {
  const heads = (await readBackupHeads(storage, id)).map((name) => ({
    name,
    createdAt: name.createdAt,
    revision: name.createdAt === undefined ? undefined : name.revision,
  }));
  const ordered = orderForRecovery(heads, journal?.header?.createdAt);
  const found: FoundBackup[] = [];
  for (const { name } of [...ordered.filter((head) => !isLast(head)), ...ordered.filter(isLast)]) {
    const decoded = await readBackupFile(storage, name);
    if (decoded !== undefined) found.push({ name: name.name, decoded });
    if (decoded?.kind === "valid") break;
  }
  return found;
}

/**
 * Throws `STORAGE` where the state directory is missing and this conversation is known to have been there. Backups are looked
 * for where there is nothing else, unless `mayHaveBackups` knows that there are none: that costs a listing.
 */
export async function findConversation(
  storage: Storage,
  id: string,
  mayHaveBackups: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Found> {
  const journalBytes = await storage.read(journalKey(id), { maxBytes: MAX_FILE_BYTES });
  const snapshot = await readSnapshot(storage, id);
  const journal = journalBytes === undefined || journalBytes.length === 0 ? undefined : scanJournal(journalBytes);
  const isNew = snapshot === undefined && journal === undefined && !(await mayHaveBackups());
  const backups = needsBackups(snapshot) && !isNew ? await readBackupsUntilValid(storage, id, journal) : [];
  if (snapshot === undefined && journal === undefined && backups.length > 0) {
    // A backup is of a snapshot that was there before it: a reader came too early for both, and looks again.
    if ((await storage.stat(snapshotKey(id))) !== undefined) return findConversation(storage, id, mayHaveBackups);
    if (!(await storage.exists())) throw storeIsMissing(storage);
  }
  return { conversationId: id, snapshot, journal, backups };
}

/** Every conversation that has a file, be it only a backup; sorted. Throws `STORAGE` where only the state directory is missing. */
export async function listIds(storage: Storage): Promise<string[]> {
  const { state, backup } = await listNames(storage);
  return knownIds(state, backup);
}

/** The names in the two areas that hold conversations, as one look found them. */
export interface StoreNames {
  readonly state: readonly string[];
  readonly backup: readonly string[];
}

/** Throws `STORAGE` where only the state directory is missing. */
export async function listNames(storage: Storage): Promise<StoreNames> {
  const [state, backup] = await Promise.all([storage.list("state"), storage.list("backup")]);
  if (state.length > 0 || knownIds([], backup).length === 0) return { state, backup };
  if (!(await storage.exists())) throw storeIsMissing(storage);
  // It may have come back, or been begun, since.
  return { state: await storage.list("state"), backup };
}

export async function mustExist(storage: Storage, id: string): Promise<void> {
  if (await isNotThere(storage, id)) throw refusal(storage, id, { kind: "absent" });
}

/** Whether neither snapshot nor journal is there. Throws `STORAGE` where the state directory is missing from a store with backups. */
export function isNotThere(storage: Storage, id: string): Promise<boolean> {
  return isAbsent(storage, [snapshotKey(id), journalKey(id)]);
}

export function pathOfProblem(storage: Storage, id: string, problem: Problem): string {
  if (problem.file === "snapshot") return storage.describe(snapshotKey(id));
  return storage.describe(problem.file === "journal" ? journalKey(id) : { area: "backup", name: problem.file.backup });
}

/** What a plan that cannot be used means to the caller. */
export function refusal(storage: Storage, id: string, plan: Exclude<RecoveryPlan, UsablePlan>): DraftstateError {
  const path = storage.describe(snapshotKey(id));
  switch (plan.kind) {
    case "absent":
      return new DraftstateError("NOT_FOUND", `there is no conversation ${id}: manager.list() lists them`, { path });
    case "newer":
      return newerVersion(pathOfProblem(storage, id, plan.problems[0]), plan.problems[0].detail);
    case "edited":
      return new DraftstateError(
        "CORRUPT",
        `${path} was edited by hand or damaged (its checksum differs): manager.repair("${id}") rebuilds it from backup and journal, manager.repair("${id}", { accept: true }) accepts the edit`,
        { path },
      );
    case "lost": {
      const files = plan.problems.map((problem) => `${pathOfProblem(storage, id, problem)}: ${problem.detail}`);
      return new DraftstateError(
        "CORRUPT",
        `conversation ${id} has no valid file left; nothing was changed. ${files.join("; ")}`,
        { path },
      );
    }
  }
}

/** ISO 8601. */
export function lastChange(plan: UsablePlan): string {
  return plan.lastRecordAt === undefined ? plan.savedAt : new Date(plan.lastRecordAt).toISOString();
}

export function interruptedVersion(plan: UsablePlan): Version {
  return ended(plan.version, lastChange(plan));
}

export async function readPlan(storage: Storage, id: string): Promise<RecoveryPlan> {
  return planRecovery(await findConversation(storage, id));
}

export interface FoundMetadata {
  readonly metadata: Metadata;
  /** How long the file was when it was written; undefined where it does not tell. */
  readonly fileBytes: number | undefined;
  readonly end: End;
}

/** The ends of many snapshots that `readMetadataOnly` begins with, by id: one call to the storage. */
export async function readSnapshotEnds(storage: Storage, ids: readonly string[]): Promise<Map<string, End>> {
  const ends = await storage.readEnds(ids.map(snapshotKey), METADATA_END_BYTES);
  return new Map(ids.flatMap((id, index) => (ends[index] === undefined ? [] : [[id, ends[index]]])));
}

/** `_metadata` alone, from the end of the snapshot; undefined where a look at the whole is needed. `known`: that end, where it was read. */
export async function readMetadataOnly(storage: Storage, id: string, known?: End): Promise<FoundMetadata | undefined> {
  for (const length of [METADATA_END_BYTES, LONG_METADATA_END_BYTES]) {
    const isKnown = length === METADATA_END_BYTES && known !== undefined;
    const end = isKnown ? known : await storage.readEnd(snapshotKey(id), length);
    const decoded = end === undefined ? undefined : decodeEnd(end.bytes);
    if (end !== undefined && decoded?.metadata.conversationId === id && !isNewer(decoded.metadata.version))
      return { ...decoded, end };
    if (end === undefined || end.size <= length) return undefined;
  }
  return undefined;
}
