/** Looks at every file of a conversation and says what is wrong with it: the recovery plan, printed and not carried out. */
import { isDraftstateError } from "../errors.js";
import { planRecovery, type ProblemKind } from "../plan/recovery.js";
import type { Storage } from "../storage/storage.js";
import { listBackups } from "./backups.js";
import { journalKey, knownIds } from "./layout.js";
import { findConversation, pathOfProblem, refusal } from "./reader.js";

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

/** A journal that is no file, or too large to be one of ours, is a problem of this conversation and hides no other. */
async function verifyOne(storage: Storage, id: string): Promise<Verification> {
  try {
    return await verifyReadable(storage, id);
  } catch (error) {
    if (!isDraftstateError(error, "CORRUPT")) throw error;
    const path = error.path ?? storage.describe(journalKey(id));
    return { checked: 1, ok: false, problems: [{ conversationId: id, path, kind: "journal-damaged", detail: error.message, repairable: false }] };
  }
}

async function verifyReadable(storage: Storage, id: string): Promise<Verification> {
  const liveBefore = (await storage.lockOwner(id)) !== undefined;
  const found = await findConversation(storage, id);
  const plan = planRecovery(found);
  // Also one that ended meanwhile: what looked torn was being written.
  const live = liveBefore || (await storage.lockOwner(id)) !== undefined;
  const problems: VerifiedProblem[] = [];
  if (plan.kind === "newer") {
    const error = refusal(storage, id, plan);
    problems.push({ conversationId: id, path: error.path ?? "", kind: "snapshot-newer", detail: error.message, repairable: false });
  } else if (plan.kind !== "absent") {
    for (const problem of plan.problems) {
      if (live && problem.kind === "journal-torn") continue;
      const path = pathOfProblem(storage, id, problem);
      problems.push({ conversationId: id, path, kind: problem.kind, detail: problem.detail, repairable: plan.kind !== "lost" });
    }
  }
  const backups = await listBackups(storage, id);
  for (const backup of backups) {
    if (backup.valid || problems.some((problem) => problem.path === backup.path)) continue;
    problems.push({ conversationId: id, path: backup.path, kind: "backup-damaged", detail: backup.problem ?? "it is damaged", repairable: false });
  }
  const files = (found.snapshot === undefined ? 0 : 1) + (found.journal === undefined ? 0 : 1) + backups.length;
  return { checked: files, ok: problems.length === 0, problems };
}

/** Every conversation that has a file, or the one. */
export async function verify(storage: Storage, id?: string): Promise<Verification> {
  const ids = id === undefined ? knownIds(await storage.list("state"), await storage.list("backup")) : [id];
  const problems: VerifiedProblem[] = [];
  let checked = 0;
  for (const each of ids) {
    const result = await verifyOne(storage, each);
    checked += result.checked;
    problems.push(...result.problems);
  }
  return { checked, ok: problems.length === 0, problems };
}
