/**
 * Reading without a lock. The journal is read before the snapshot: whatever a writer folds in meanwhile is then in the
 * snapshot, so a reader sees everything that was durable when it began, and never half a change (I6).
 */
import { DraftstateError } from "../errors.js";
import { infoOf, isStreaming, metadataOf, type Info, type Metadata, type Version } from "../model/conversation.js";
import { StateContainer } from "../model/container.js";
import { interruptAnswer, type AgentDraft } from "../model/transitions.js";
import { scanJournal } from "../journal/scan.js";
import { needsBackups, planRecovery, type Found, type FoundBackup, type Problem, type RecoveryPlan } from "../plan/recovery.js";
import { decodeMetadataEnd, decodeSnapshot, isNewer, type Decoded } from "../snapshot/decode.js";
import type { LockOwner, Storage } from "../storage/storage.js";
import { decompress, MAX_FILE_BYTES } from "./codec.js";
import { backupKey, journalKey, parseBackupName, snapshotKey, type BackupName } from "./names.js";

/** Holds nearly every `_metadata`; the second holds those with fields of other applications too. */
export const METADATA_END_BYTES = 4096;
const LONG_METADATA_END_BYTES = 64 * 1024;

export type UsablePlan = Extract<RecoveryPlan, { kind: "usable" }>;

/** A conversation as a reader is shown it: an answer whose writer died is interrupted. */
export interface ReadConversation {
  readonly version: Version;
  readonly metadata: Metadata;
  readonly owner: LockOwner | undefined;
  readonly problems: readonly Problem[];
  /** The snapshot was edited by hand or damaged: only ever shown, with a warning. */
  readonly edited: boolean;
}

export async function readSnapshot(storage: Storage, id: string): Promise<Decoded | undefined> {
  try {
    const bytes = await storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined ? undefined : decodeSnapshot(bytes, id);
  } catch (error) {
    if (error instanceof DraftstateError && error.code === "CORRUPT") return { kind: "damaged", detail: error.message };
    throw error;
  }
}

/** Decompressed; undefined where it is gone or cannot be read. */
export async function readBackupBytes(storage: Storage, backup: BackupName): Promise<Uint8Array | undefined> {
  try {
    const bytes = await storage.read(backupKey(backup), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined ? undefined : await decompress(bytes, backup.compression);
  } catch (error) {
    if (error instanceof DraftstateError && error.code === "CORRUPT") return undefined;
    throw error;
  }
}

export async function readBackupFile(storage: Storage, backup: BackupName): Promise<Decoded | undefined> {
  try {
    const bytes = await storage.read(backupKey(backup), { maxBytes: MAX_FILE_BYTES });
    return bytes === undefined ? undefined : decodeSnapshot(await decompress(bytes, backup.compression), backup.conversationId);
  } catch (error) {
    if (error instanceof DraftstateError && error.code === "CORRUPT") return { kind: "damaged", detail: error.message };
    throw error;
  }
}

/** Names alone, newest timestamp first. */
export async function listBackupNames(storage: Storage, id: string): Promise<BackupName[]> {
  const names = (await storage.list("backup")).flatMap((name) => parseBackupName(name) ?? []);
  return names.filter((backup) => backup.conversationId === id).sort((left, right) => (left.timestamp < right.timestamp ? 1 : -1));
}

/** From the newest on, up to and with the first that is valid. */
export async function readBackupsUntilValid(storage: Storage, id: string): Promise<FoundBackup[]> {
  const found: FoundBackup[] = [];
  for (const backup of await listBackupNames(storage, id)) {
    const decoded = await readBackupFile(storage, backup);
    if (decoded !== undefined) found.push({ name: backup.name, decoded });
    if (decoded?.kind === "valid") break;
  }
  return found;
}

export async function findConversation(storage: Storage, id: string): Promise<Found> {
  const journalBytes = await storage.read(journalKey(id), { maxBytes: MAX_FILE_BYTES });
  const snapshot = await readSnapshot(storage, id);
  const journal = journalBytes === undefined || journalBytes.length === 0 ? undefined : scanJournal(journalBytes);
  return { conversationId: id, snapshot, journal, backups: needsBackups(snapshot) ? await readBackupsUntilValid(storage, id) : [] };
}

export function pathOfProblem(storage: Storage, id: string, problem: Problem): string {
  if (problem.file === "snapshot") return storage.describe(snapshotKey(id));
  return storage.describe(problem.file === "journal" ? journalKey(id) : { area: "backup", name: problem.file.backup });
}

/** `detail` says what was found in the file. */
export function newerVersion(path: string, detail: string): DraftstateError {
  return new DraftstateError("NEWER_VERSION", `${path} was written by a newer version (${detail}): update draftstate to use it; nothing was changed`, { path });
}

/** What a plan that cannot be used means to whoever asked. */
export function refusal(storage: Storage, id: string, plan: Exclude<RecoveryPlan, UsablePlan>): DraftstateError {
  const path = storage.describe(snapshotKey(id));
  switch (plan.kind) {
    case "absent":
      return new DraftstateError("NOT_FOUND", `there is no conversation ${id}: "draftstate ls" lists them`, { path });
    case "newer":
      return newerVersion(pathOfProblem(storage, id, plan.problems[0]), plan.problems[0].detail);
    case "edited":
      return new DraftstateError(
        "CORRUPT",
        `${path} was edited by hand or damaged (its checksum differs): "draftstate repair ${id}" goes back to backup and journal, "draftstate repair ${id} --accept" signs it as it is`,
        { path },
      );
    case "lost": {
      const files = plan.problems.map((problem) => `${pathOfProblem(storage, id, problem)}: ${problem.detail}`);
      return new DraftstateError("CORRUPT", `conversation ${id} has no valid file left; nothing was changed. ${files.join("; ")}`, { path });
    }
  }
}

/** The version as seen after its writer died: the partial answer joins the messages, the same for every reader. */
export function withInterruption(version: Version, at: string): Version {
  const container = new StateContainer(version.state);
  const model = version.info.model;
  container.update((draft) => {
    interruptAnswer(draft as AgentDraft, { id: `answer-r${version.revision}`, at, ...(model === undefined ? {} : { model }) });
  });
  return { ...version, state: container.state };
}

function lastChange(plan: UsablePlan): string {
  return plan.lastRecordAt === undefined ? plan.savedAt : new Date(plan.lastRecordAt).toISOString();
}

export function interruptedVersion(plan: UsablePlan): Version {
  return isStreaming(plan.version.state) ? withInterruption(plan.version, lastChange(plan)) : plan.version;
}

/** Undefined where there is none. Throws what `refusal` gives for lost and newer ones. */
export async function readConversation(storage: Storage, id: string): Promise<ReadConversation | undefined> {
  const ownerBefore = await storage.lockOwner(id);
  const plan = planRecovery(await findConversation(storage, id));
  const owner = ownerBefore ?? (await storage.lockOwner(id));
  if (plan.kind === "absent") return undefined;
  if (plan.kind === "edited") {
    const { version, problems } = plan;
    return { version, metadata: metadataOf(version, id, version.info.createdAt), owner, problems, edited: true };
  }
  if (plan.kind !== "usable") throw refusal(storage, id, plan);
  const version = owner === undefined ? interruptedVersion(plan) : plan.version;
  // While its writer lives, an unfinished last record is one that is being written.
  const problems = owner === undefined ? plan.problems : plan.problems.filter((problem) => problem.kind !== "journal-torn");
  return { version, metadata: metadataOf(version, id, lastChange(plan)), owner, problems, edited: false };
}

/** `_metadata` alone, from the end of the snapshot; undefined where a look at the whole is needed. */
export async function readMetadataOnly(storage: Storage, id: string): Promise<{ metadata: Metadata; sizeBytes: number; modifiedAt: Date } | undefined> {
  for (const length of [METADATA_END_BYTES, LONG_METADATA_END_BYTES]) {
    const end = await storage.readEnd(snapshotKey(id), length);
    const metadata = end === undefined ? undefined : decodeMetadataEnd(end.bytes);
    if (end !== undefined && metadata?.conversationId === id && !isNewer(metadata.version)) return { metadata, sizeBytes: end.size, modifiedAt: end.modifiedAt };
    if (end === undefined || end.size <= length) return undefined;
  }
  return undefined;
}

export function versionOf(decoded: Extract<Decoded, { kind: "valid" }>): Version {
  const info: Info = infoOf(decoded.metadata);
  return { state: decoded.state, info, revision: decoded.metadata.revision };
}

