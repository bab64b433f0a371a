/**
 * Operations whose process died between their pending record and its commit. Whether one happened is told by what the
 * conversation is: then it is offered for undo like any other, and otherwise it is forgotten.
 */
import type { Version } from "../model/conversation.js";
import type { RecoveryPlan } from "../plan/recovery.js";
import { readPlan } from "./read.js";
import { heldBy, spillAhead, versionIn, type ValidSpill } from "./spills.js";
import type { Store } from "./store.js";
import type { Trash } from "./trash.js";
import { parsePendingName, timeOfStamp, type Operation } from "./trash-record.js";

/** The conversations that have one, among the names in the trash. */
export function pendingIds(names: readonly string[]): string[] {
  return names.flatMap((name) => parsePendingName(name) ?? []);
}

/** Where that cannot be told, since nothing of the conversation can be read here, it counts as done: what it kept may be all that is left. */
export async function happened(
  store: Pick<Store, "trash" | "spills">,
  operation: Operation,
  plan: RecoveryPlan,
): Promise<boolean> {
  if (plan.kind === "lost" || plan.kind === "newer") return true;
  if (operation.kind === "repair") return isRepaired(store.trash, operation, plan);
  const present = await presentOf(store, operation, plan);
  if (present === undefined) return false;
  if (operation.kind === "rename") return present.info.title === operation.renamedTo;
  return operation.revision !== undefined && present.revision >= operation.revision;
}

/** What the operation may have written is in a spill where its store could not be written: that is durable, too. */
async function presentOf(
  { spills }: Pick<Store, "spills">,
  operation: Operation,
  plan: RecoveryPlan,
): Promise<Version | undefined> {
  if (plan.kind === "edited") return plan.reached;
  const found = spills === undefined ? [] : await spills.find(operation.conversationId);
  const ahead = spillAhead(found, heldBy(plan));
  if (ahead !== undefined && isSince(ahead, operation)) return versionIn(ahead);
  return plan.kind === "usable" ? plan.version : undefined;
}

/** One from before the operation, which its process did not see, says nothing about it. */
function isSince({ session, decoded: { metadata } }: ValidSpill, { session: own, stamp }: Operation): boolean {
  // Of an earlier version, which did not name the session.
  if (own === undefined) return new Date(metadata.savedAt) >= timeOfStamp(stamp);
  return session === own || (metadata.sessions ?? []).some((mark) => mark.session === own);
}

/**
 * Where the snapshot is the one that the repair was to write: of its revision, which no other operation writes before this is settled,
 * and not the file that it found, which may be of that revision too.
 */
async function isRepaired(trash: Trash, operation: Operation, plan: RecoveryPlan): Promise<boolean> {
  // Damaged backups move once it has happened: they tell nothing here.
  const files = operation.files.filter(({ area }) => area === "state");
  const kept = await trash.files.compare({ ...operation, files });
  // Of an earlier version, which did not name the revision.
  if (operation.revision === undefined) return kept === "changed";
  if (kept === "gone") return false;
  return snapshotRevision(plan) === operation.revision && !(await trash.files.holdsSnapshot(operation));
}

/** Of the snapshot as it is, be it edited since. */
function snapshotRevision(plan: RecoveryPlan): number | undefined {
  if (plan.kind === "edited") return plan.version.revision;
  return plan.kind === "usable" && plan.source === "snapshot" ? plan.base : undefined;
}

/** Every operation that can be undone, newest first, for a reader: also what happened and was not committed. */
export async function undoableOperations(store: Store): Promise<Operation[]> {
  const { trash, storage } = store;
  const operations = await trash.records.operations();
  for (const id of pendingIds(await trash.records.names())) {
    const operation = await trash.records.pending(id);
    // While a process has the conversation the operation is under way.
    if (operation === undefined || (await storage.lockHolder(id)) !== undefined) continue;
    const isDone = operations.some(({ stamp, conversationId }) => stamp === operation.stamp && conversationId === id);
    if (!isDone && (await happened(store, operation, await readPlan(storage, id)))) operations.push(operation);
  }
  return operations.sort((left, right) => (left.stamp < right.stamp ? 1 : -1));
}
