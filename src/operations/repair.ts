/**
 * Mends one conversation: what recovery would do by itself, and the two ways on from a snapshot that was edited by hand
 * or damaged in place: back to backup and journal, or signed as it is. The file as found is kept in quarantine first.
 */
import { DraftstateError } from "../errors.js";
import { replay } from "../journal/replay.js";
import { planRecovery, type Found, type Problem, type RecoveryPlan } from "../plan/recovery.js";
import type { Decoded } from "../snapshot/decode.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { infoOf, metadataOf } from "../model/conversation.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { copyToQuarantine, lastNamed, recover, type RecoveryContext } from "../session/recover.js";
import { findConversation, readBackupsUntilValid, refusal } from "../store/read.js";
import type { Trash } from "../store/trash.js";
import type { KeptFile } from "../store/trash-record.js";

export interface RepairResult {
  readonly conversationId: string;
  readonly repaired: boolean;
  /** What was wrong. */
  readonly problems: readonly Problem[];
  /** Paths of the copies of damaged files. */
  readonly quarantined: readonly string[];
  readonly revision: number;
}

type Edited = Extract<Decoded, { kind: "edited" }>;

/**
 * The edit becomes a new revision, with every field as it stands and the journal's changes on top where they fit. The new
 * revision is above every record's, so that a journal that comes back after a crash is skipped (I3).
 */
async function accept(context: RecoveryContext, id: string, edited: Edited, journal: Found["journal"]): Promise<RepairResult> {
  const { storage, lock, now } = context;
  const replayed = replay({ state: edited.state, info: infoOf(edited.metadata), revision: edited.metadata.revision }, journal?.records ?? []);
  const lastRevision = Math.max(replayed.version.revision, journal?.lastRevision ?? 0, await lastNamed(context, id));
  const copies = [await copyToQuarantine(context, snapshotKey(id))];
  if (replayed.stopped !== undefined || (journal !== undefined && journal.tail.kind !== "clean")) copies.push(await copyToQuarantine(context, journalKey(id)));
  const version = { ...replayed.version, revision: lastRevision + 1 };
  await storage.replace(snapshotKey(id), new SnapshotParts(version.state, metadataOf(version, id, now().toISOString())), lock);
  await storage.remove(journalKey(id));
  const problems: Problem[] = [{ kind: "snapshot-edited", file: "snapshot", detail: "the edit was signed as it is" }];
  return { conversationId: id, repaired: true, problems, quarantined: copies.filter((copy) => copy !== undefined), revision: version.revision };
}

async function planWithoutSnapshot(context: RecoveryContext, id: string, found: Found, edited: Edited): Promise<RecoveryPlan> {
  const backups = await readBackupsUntilValid(context.storage, id);
  return planRecovery({ conversationId: id, snapshot: { kind: "damaged", detail: edited.detail }, journal: found.journal, backups });
}

/** The files as they were found, so that the repair can be undone. */
async function keepAsFound(id: string, trash: Trash): Promise<void> {
  const stamp = await trash.newStamp();
  const files = [snapshotKey(id), journalKey(id)].map(({ name }): KeptFile => ({ area: "state", name }));
  await trash.begin({ kind: "repair", conversationId: id, stamp, group: stamp, files: await trash.keepCopies(stamp, files) });
}

/** Throws `CORRUPT` where no valid file is left; nothing is changed then. */
export async function repair(context: RecoveryContext, id: string, trash: Trash, options: { readonly accept: boolean }): Promise<RepairResult> {
  const found = await findConversation(context.storage, id);
  const asFound = planRecovery(found);
  if (asFound.kind === "newer") throw refusal(context.storage, id, asFound);
  const edited = found.snapshot?.kind === "edited" ? found.snapshot : undefined;
  if (edited !== undefined && options.accept) {
    await keepAsFound(id, trash);
    return accept(context, id, edited, found.journal);
  }
  if (options.accept) throw new DraftstateError("USAGE", `${id} was not edited: there is nothing to accept`);
  const plan = edited === undefined ? asFound : await planWithoutSnapshot(context, id, found, edited);
  if (plan.kind !== "usable") throw refusal(context.storage, id, plan);
  if (!plan.clean) await keepAsFound(id, trash);
  const { version, quarantined } = await recover(context, id, plan);
  return { conversationId: id, repaired: !plan.clean, problems: plan.problems, quarantined, revision: version.revision };
}
