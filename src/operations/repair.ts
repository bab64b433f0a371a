/**
 * Repairs one conversation: what recovery would do by itself, and the two ways out of a snapshot that was edited by hand
 * or damaged in place: back to backup and journal, or signed as it is. The files as found are kept first. Damaged backups are
 * cleared away with it, in one operation.
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
import { clearAlone, clearUnder, findDamagedBackups, keptFilesOf, type DamagedBackup } from "./damaged-backups.js";
import { redoOf, type Redoing } from "./redoing.js";
import { commit } from "./undoable.js";
import { markOf, markOfRevision } from "./undo/mark.js";
import { holdsUndoneEdit } from "./undone-edit.js";

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
    const repaired = await repairLocked({ locked, damaged: await findDamagedBackups(locked), redoing }, options);
    await redoing?.done(id, markOfRevision(repaired.revision), locked.guard);
    return repaired;
  });
}

/** What is repaired, under its lock, with the damaged backups that go along. */
interface Task {
  readonly locked: Locked;
  readonly damaged: readonly DamagedBackup[];
  readonly redoing: Redoing | undefined;
}

function withCleared(
  repaired: RepairResult,
  damaged: readonly DamagedBackup[],
  copies: readonly string[],
): RepairResult {
  return {
    ...repaired,
    repaired: repaired.repaired || damaged.length > 0,
    problems: withoutSame(
      repaired.problems,
      damaged.map(({ problem }) => problem),
    ),
    quarantined: [...repaired.quarantined, ...copies],
  };
}

/** Recovery tells of a damaged backup too where it had to look for a valid one. */
function withoutSame(problems: readonly Problem[], cleared: readonly Problem[]): Problem[] {
  const isCleared = ({ file }: Problem): boolean =>
    typeof file === "object" &&
    cleared.some((each) => typeof each.file === "object" && each.file.backup === file.backup);
  return [...problems.filter((problem) => !isCleared(problem)), ...cleared];
}

async function repairLocked(task: Task, { accept = false }: RepairOptions): Promise<RepairResult> {
  const { locked, damaged, redoing } = task;
  const {
    store: { storage },
    id,
  } = locked;
  const { found, plan: asIs } = await takeStock(locked);
  if (asIs.kind === "newer") throw refusal(storage, id, asIs);
  const edited = found.snapshot?.kind === "edited" ? found.snapshot : undefined;
  if (edited !== undefined && accept) return acceptEdit(task, edited, found.journal);
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
  if (!plan.clean) return undoably(task, { revision: await revisionAfter(locked, plan) }, act);
  const asItWas = await act();
  return damaged.length === 0 ? asItWas : withCleared(asItWas, damaged, await clearAlone(locked, damaged, redoing));
}

/**
 * The edit becomes a new revision, with every field as it stands and the journal's changes on top where they fit. The new
 * revision is above every record's, so that a journal that comes back after a crash is skipped (I3).
 */
async function acceptEdit(task: Task, edited: Edited, journal: Found["journal"]): Promise<RepairResult> {
  const { store, id, guard } = task.locked;
  const replayed = replay(
    { state: edited.state, info: infoOf(edited.metadata), revision: edited.metadata.revision },
    journal?.records ?? [],
  );
  const last = Math.max(replayed.version.revision, journal?.lastRevision ?? 0, await lastNamed(store.storage, id));
  const version = { ...replayed.version, info: withoutMark(replayed.version.info), revision: last + 1 };
  const isJournalUsedUp = replayed.stopped === undefined && (journal === undefined || journal.tail.kind === "clean");
  const keys = [snapshotKey(id), ...(isJournalUsedUp ? [] : [journalKey(id)])];
  return undoably(task, { revision: version.revision, accept: true }, async () => {
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

async function planWithoutSnapshot(locked: Locked, found: Found, edited: Edited): Promise<RecoveryPlan> {
  const { store, id } = locked;
  const isLast = await holdsUndoneEdit(locked, edited.metadata.revision);
  const backups = await readBackupsUntilValid(store.storage, id, found.journal, isLast);
  return planRecovery({
    conversationId: id,
    snapshot: { kind: "damaged", detail: edited.detail },
    journal: found.journal,
    backups,
  });
}

/**
 * The files as they were found are kept, and the revision that the repair writes is named, so that it can be undone once it has
 * happened. The damaged backups are named too, and move once it has: a crash before that leaves them where undo wants them.
 */
async function undoably(
  { locked, damaged, redoing }: Task,
  what: Pick<Operation, "revision" | "accept">,
  act: () => Promise<RepairResult>,
): Promise<RepairResult> {
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
    files: [...(await trash.files.keepCopies(stamp, files, guard)), ...keptFilesOf(damaged)],
    ...what,
    ...redoOf(redoing),
  };
  await trash.pending.prepare(operation, guard);
  let result: RepairResult;
  try {
    result = await act();
    await commit(store, operation, guard);
  } catch (error) {
    await settleFailed(locked, operation).catch(() => undefined);
    throw error;
  }
  return withCleared(result, damaged, await clearUnder(locked, stamp, damaged));
}

/** It may have happened before the error came. If that cannot be known now, the next opening of the conversation finds out. */
async function settleFailed({ store, id, guard }: Locked, operation: Operation): Promise<void> {
  if (await happened(store, operation, await readPlan(store.storage, id)))
    await store.trash.pending.commit(operation, guard);
  else await store.trash.pending.withdraw(operation, guard);
}
