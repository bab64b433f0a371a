/**
 * A row of the list whose file was changed after it was saved. The list is made from the ends of files, which do not tell;
 * but a file's length or time does not fit then, and only such a file is read as a whole. So an edit is found without reading
 * thousands of files, and a file that was only copied or touched is not taken for one. What keeps both is found by `verify`.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import { planRecovery, type Problem } from "../../plan/recovery.js";
import type { Storage } from "../../storage/storage.js";
import { snapshotKey } from "../../store/names.js";
import { findConversation, refusal } from "../../store/read.js";

/** Milliseconds between the time in a file and the file's own that a write takes by itself. A slower one costs a look at the whole file. */
const SLACK = 25;
const BYTES_A_MILLISECOND = 100_000;

export function mayBeEdited({
  savedAt,
  modifiedAt,
  sizeBytes,
  fileBytes = sizeBytes,
}: {
  readonly savedAt: string;
  readonly modifiedAt: Date;
  readonly sizeBytes: number;
  /** As the file itself tells; undefined where it does not. */
  readonly fileBytes: number | undefined;
}): boolean {
  if (fileBytes !== sizeBytes) return true;
  return Math.abs(modifiedAt.getTime() - new Date(savedAt).getTime()) > SLACK + sizeBytes / BYTES_A_MILLISECOND;
}

/** Why it cannot be continued; undefined if it can, or that is unknown. */
export async function findEdit(storage: Storage, id: string): Promise<unknown> {
  try {
    const plan = planRecovery(await findConversation(storage, id));
    if (plan.kind === "usable") return damageOf(storage, id, plan.problems);
    return plan.kind === "absent" ? undefined : refusal(storage, id, plan);
  } catch (error) {
    if (isDraftstateError(error)) return undefined;
    throw error;
  }
}

/** Of a snapshot in whose place a backup and the journal stand: the next one who opens the conversation continues with those. */
export function damageOf(storage: Storage, id: string, problems: readonly Problem[]): DraftstateError | undefined {
  const damage = problems.find(({ kind }) => kind === "snapshot-damaged");
  if (damage === undefined) return undefined;
  const path = storage.describe(snapshotKey(id));
  return new DraftstateError(
    "CORRUPT",
    `${path} is damaged: ${damage.detail}; what a backup and the journal hold of it comes back with manager.repair("${id}")`,
    { path },
  );
}
