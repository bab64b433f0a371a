/** Looks at every file of a conversation and says what is wrong with it: the recovery plan, printed and not carried out. */
import { isDraftstateError } from "../../errors.js";
import { planRecovery, type ProblemKind } from "../../plan/recovery.js";
import type { Storage } from "../../storage/storage.js";
import { inspectBackups } from "../../store/backups.js";
import type { OnProgress } from "../../store/events.js";
import { backupKey, backupsById, journalKey, knownIds, snapshotKey, type BackupName } from "../../store/names.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { findConversation, pathOfProblem } from "../../store/read.js";
import type { FileToCheck, FindWholeFiles } from "./whole-files.js";

export interface VerifiedProblem {
  readonly conversationId: string;
  readonly path: string;
  readonly kind: ProblemKind;
  readonly detail: string;
  /** Whether the state, or all but what the detail names, can be had from other files. */
  readonly repairable: boolean;
}

export interface Verification {
  /** Files looked at. */
  readonly checked: number;
  readonly ok: boolean;
  readonly problems: readonly VerifiedProblem[];
}

/** How many conversations are under way: what one waits for from the disk, another is parsed and hashed in. */
const AT_ONCE = 8;

/** A file that cannot be read, or a journal that is no file or too large to be one of ours, is a problem of this conversation and hides no other. */
async function verifyOne(storage: Storage, id: string, backupNames: readonly BackupName[]): Promise<Verification> {
  try {
    return await verifyReadable(storage, id, backupNames);
  } catch (error) {
    const isUnreadable = isDraftstateError(error, "STORAGE");
    if (!isUnreadable && !isDraftstateError(error, "CORRUPT")) throw error;
    const path = error.path ?? storage.describe(journalKey(id));
    return { checked: 1, ok: false, problems: [{ conversationId: id, path, kind: isUnreadable ? "unreadable" : "journal-damaged", detail: error.message, repairable: false }] };
  }
}

async function verifyReadable(storage: Storage, id: string, backupNames: readonly BackupName[]): Promise<Verification> {
  const liveBefore = (await storage.lockOwner(id)) !== undefined;
  const found = await findConversation(storage, id);
  const plan = planRecovery(found);
  const problems: VerifiedProblem[] = [];
  if (plan.kind !== "absent" && plan.problems.length > 0) {
    // Also one that ended meanwhile: what looked torn was being written.
    const live = liveBefore || (await storage.lockOwner(id)) !== undefined;
    for (const problem of plan.problems) {
      if (live && problem.kind === "journal-torn") continue;
      const path = pathOfProblem(storage, id, problem);
      problems.push({ conversationId: id, path, kind: problem.kind, detail: problem.detail, repairable: plan.kind !== "lost" && plan.kind !== "newer" });
    }
  }
  const backups = await inspectBackups(storage, backupNames);
  for (const backup of backups) {
    if (backup.valid || problems.some((problem) => problem.path === backup.path)) continue;
    problems.push({ conversationId: id, path: backup.path, kind: backup.decoded.kind === "newer" ? "backup-newer" : "backup-damaged", detail: backup.problem ?? "it is damaged", repairable: false });
  }
  const files = (found.snapshot === undefined ? 0 : 1) + (found.journal === undefined ? 0 : 1) + backups.length;
  return { checked: files, ok: problems.length === 0, problems };
}

export interface VerifyOptions {
  readonly id?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Where the files can be had by their paths. */
  readonly findWholeFiles?: FindWholeFiles | undefined;
}

interface Listed {
  readonly ids: readonly string[];
  readonly stateNames: ReadonlySet<string>;
  readonly backups: ReadonlyMap<string, readonly BackupName[]>;
}

/** Every conversation that has a file, or the one. */
export async function verify(storage: Storage, options: VerifyOptions = {}): Promise<Verification> {
  const { id, onProgress } = options;
  const [stateNames, backupNames] = [await storage.list("state"), await storage.list("backup")];
  const listed: Listed = { ids: id === undefined ? knownIds(stateNames, backupNames) : [id], stateNames: new Set(stateNames), backups: backupsById(backupNames) };
  const done = await verifiedWhole(storage, listed, options);
  const rest = listed.ids.filter((each) => !done.has(each));
  let count = done.size;
  const results = await mapAtOnce(rest, AT_ONCE, async (each) => {
    const result = await verifyOne(storage, each, listed.backups.get(each) ?? []);
    onProgress?.((count += 1), listed.ids.length);
    return result;
  });
  const problems = results.flatMap((result) => result.problems);
  return { checked: [...done.values(), ...results.map(({ checked }) => checked)].reduce((sum, checked) => sum + checked, 0), ok: problems.length === 0, problems };
}

/** Conversations of a snapshot and backups that are all whole, with how many files they are: nothing is to be said of them. */
async function verifiedWhole(storage: Storage, { ids, stateNames, backups }: Listed, { findWholeFiles, onProgress }: VerifyOptions): Promise<Map<string, number>> {
  const simple = ids.filter((id) => stateNames.has(snapshotKey(id).name) && !stateNames.has(journalKey(id).name));
  const filesOf = (id: string): FileToCheck[] => [
    { path: storage.describe(snapshotKey(id)), conversationId: id, compression: "none" },
    ...(backups.get(id) ?? []).map((name): FileToCheck => ({ path: storage.describe(backupKey(name)), conversationId: id, compression: name.compression })),
  ];
  const files = simple.flatMap(filesOf);
  const whole = await findWholeFiles?.(files, (count) => onProgress?.(Math.floor((count / files.length) * simple.length), ids.length));
  if (whole === undefined) return new Map();
  return new Map(simple.flatMap((id) => (filesOf(id).every(({ path }) => whole.has(path)) ? [[id, filesOf(id).length] as const] : [])));
}
