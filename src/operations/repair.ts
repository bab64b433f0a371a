/**
 * Repairs one conversation: what recovery would do by itself, and the two ways out of a snapshot that was edited by hand
 * or damaged in place: back to backup and journal, or signed as it is. The files as found are kept first. Then damaged backups are
 * cleared away.
 */
import { DraftstateError } from "../errors.js";
import { replay } from "../journal/replay.js";
import { infoOf } from "../model/conversation.js";
import { planRecovery, type Found, type Problem, type RecoveryPlan } from "../plan/recovery.js";
import { takeStock } from "../session/open.js";
import { withoutMark } from "../session/unbegun-calls.js";
import { lastNamed, recover, revisionAfter, type Locked } from "../session/recover.js";
import type { Sessions } from "../session/sessions.js";
import type { Decoded } from "../snapshot/decode.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { happened } from "../store/pending.js";
import { readBackupsUntilValid, readPlan, refusal } from "../store/read.js";
import { writeWhole } from "../store/write-snapshot.js";
import type { KeptFile, Operation } from "../store/trash-record.js";
import { clearDamagedBackups } from "./damaged-backups.js";
import { redoOf, type Redoing } from "./redoing.js";
import { commit } from "./undoable.js";
import { markOf } from "./undo/mark.js";

export interface RepairResult {
  readonly conversationId: string;
  readonly repaired: boolean;
  /** What was wrong. */
  readonly problems: readonly Problem[];
  /** Where the copies of damaged files are. */
  readonly quarantined: readonly string[];
  readonly revision: number;
}

export interface RepairOptions {
  /** Signs a snapshot that was edited by hand as it is. */
  readonly accept?: boolean;
}

type Edited = Extract<Decoded, { kind: "edited" }>;

/** Throws `CORRUPT` where no valid file is left, and changes nothing then; `LOCKED` while it is open anywhere. */
export function repair(
  sessions: Sessions,
  id: string,
  options: RepairOptions,
  redoing?: Redoing,
): Promise<RepairResult> {
  return sessions.exclusive([id], async (held) => {
    const locked = held.get(id);
    if (locked === undefined) throw new RangeError(`${id} is not locked`);
    await redoing?.check(id, await markOf(locked.store, id));
    const repaired = await repairLocked(locked, options, redoing);
    const cleared = await clearDamagedBackups(locked, redoing);
    return {
      ...repaired,
      repaired: repaired.repaired || cleared.problems.length > 0,
      problems: withoutSame(repaired.problems, cleared.problems),
      quarantined: [...repaired.quarantined, ...cleared.quarantined],
    };
  });
}

/** Recovery tells of a damaged backup too where it had to look for a valid one. */
function withoutSame(problems: readonly Problem[], cleared: readonly Problem[]): Problem[] {
  const isCleared = ({ file }: Problem): boolean =>
    typeof file === "object" &&
    cleared.some((each) => typeof each.file === "object" && each.file.backup === file.backup);
  return [...problems.filter((problem) => !isCleared(problem)), ...cleared];
}

async function repairLocked(
  locked: Locked,
  { accept = false }: RepairOptions,
  redoing: Redoing | undefined,
): Promise<RepairResult> {
  const {
    store: { storage },
    id,
  } = locked;
  const { found, plan: asIs } = await takeStock(locked);
  if (asIs.kind === "newer") throw refusal(storage, id, asIs);
  const edited = found.snapshot?.kind === "edited" ? found.snapshot : undefined;
  if (edited !== undefined && accept) return acceptEdit(locked, edited, found.journal, redoing);
  if (accept) throw new DraftstateError("USAGE", `${id} was not edited: there is nothing to accept`);
  const plan = edited === undefined ? asIs : await planWithoutSnapshot(locked, found, edited);
  if (plan.kind !== "usable") throw refusal(storage, id, plan);
  const act = async (): Promise<RepairResult> => {
    const { version, quarantined } = await recover(locked, plan);
    return {
      conversationId: id,
      repaired: !plan.clean,
      problems: plan.problems,
      quarantined,
      revision: version.revision,
    };
  };
  return plan.clean
    ? act()
    : undoably(locked, { revision: await revisionAfter(locked, plan), ...redoOf(redoing) }, act);
}

/**
 * The edit becomes a new revision, with every field as it stands and the journal's changes on top where they fit. The new
 * revision is above every record's, so that a journal that comes back after a crash is skipped (I3).
 */
async function acceptEdit(
  locked: Locked,
  edited: Edited,
  journal: Found["journal"],
  redoing: Redoing | undefined,
): Promise<RepairResult> {
  const { store, id, guard } = locked;
  const replayed = replay(
    { state: edited.state, info: infoOf(edited.metadata), revision: edited.metadata.revision },
    journal?.records ?? [],
  );
  const last = Math.max(replayed.version.revision, journal?.lastRevision ?? 0, await lastNamed(store.storage, id));
  const version = { ...replayed.version, info: withoutMark(replayed.version.info), revision: last + 1 };
  const isJournalUsedUp = replayed.stopped === undefined && (journal === undefined || journal.tail.kind === "clean");
  const keys = [snapshotKey(id), ...(isJournalUsedUp ? [] : [journalKey(id)])];
  return undoably(locked, { revision: version.revision, accept: true, ...redoOf(redoing) }, async () => {
    const quarantined: string[] = [];
    for (const key of keys) {
      const copy = await copyToQuarantine(store, key, guard);
      if (copy !== undefined) quarantined.push(copy);
    }
    await writeWhole(store, id, version, guard);
    const problems: Problem[] = [{ kind: "snapshot-edited", file: "snapshot", detail: "the edit was signed as it is" }];
    return { conversationId: id, repaired: true, problems, quarantined, revision: version.revision };
  });
}

async function planWithoutSnapshot(
  { store: { storage }, id }: Locked,
  found: Found,
  edited: Edited,
): Promise<RecoveryPlan> {
  const backups = await readBackupsUntilValid(storage, id, found.journal);
  return planRecovery({
    conversationId: id,
    snapshot: { kind: "damaged", detail: edited.detail },
    journal: found.journal,
    backups,
  });
}

/** The files as they were found are kept, and the revision that the repair writes is named, so that it can be undone once it has happened. */
async function undoably<T>(
  locked: Locked,
  what: Pick<Operation, "revision" | "accept" | "redoOf">,
  act: () => Promise<T>,
): Promise<T> {
  const { store, id, guard } = locked;
  const { storage, trash } = store;
  // What is not there now and comes back after a power loss would be taken for what the repair wrote.
  await storage.settle("state");
  const stamp = await trash.newStamp(guard);
  const files = [snapshotKey(id), journalKey(id)].map(({ name }): KeptFile => ({ area: "state", name }));
  const operation: Operation = {
    kind: "repair",
    conversationId: id,
    stamp,
    group: stamp,
    files: await trash.files.keepCopies(stamp, files, guard),
    ...what,
  };
  await trash.pending.prepare(operation, guard);
  try {
    const result = await act();
    await commit(store, operation, guard);
    return result;
  } catch (error) {
    await settleFailed(locked, operation).catch(() => undefined);
    throw error;
  }
}

/** It may have happened before the error came. If that cannot be known now, the next opening of the conversation finds out. */
async function settleFailed({ store, id, guard }: Locked, operation: Operation): Promise<void> {
  if (await happened(store, operation, await readPlan(store.storage, id)))
    await store.trash.pending.commit(operation, guard);
  else await store.trash.pending.withdraw(operation, guard);
}
