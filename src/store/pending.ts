/**
 * Operations whose process died between their pending record and its commit. Whether one happened is told by what the
 * conversation is: then it is offered for undo like any other, and otherwise it is forgotten.
 */
import type { Version } from "../model/conversation.js";
import type { RecoveryPlan } from "../plan/recovery.js";
import { readPlan } from "./read.js";
import { heldBy, spillAhead, versionIn } from "./spills.js";
import type { Store } from "./store.js";
import type { Trash } from "./trash.js";
import { parsePendingName, timeOfStamp, type Operation } from "./trash-record.js";

/** The conversations that have one, among the names in the trash. */
export function pendingIds(names: readonly string[]): string[] {
  return names.flatMap((name) => parsePendingName(name) ?? []);
}

export async function happened(
  store: Pick<Store, "trash" | "spills">,
  operation: Operation,
  plan: RecoveryPlan,
): Promise<boolean> {
  if (operation.kind === "repair") return isRepaired(store.trash, operation, plan);
  const present = await presentOf(store, operation, plan);
  if (present === undefined) return false;
  if (operation.kind === "rename") return present.info.title === operation.renamedTo;
  return operation.revision !== undefined && present.revision >= operation.revision;
}

/** What the operation may have written is in a spill where its store could not be written: that is durable, too. */
async function presentOf(
  { spills }: Pick<Store, "spills">,
  { conversationId, stamp }: Operation,
  plan: RecoveryPlan,
): Promise<Version | undefined> {
  if (plan.kind !== "usable" && plan.kind !== "absent") return undefined;
  const ahead = spills === undefined ? undefined : spillAhead(await spills.find(conversationId), heldBy(plan));
  // One from before the operation, which its process did not see, says nothing about it.
  if (ahead !== undefined && new Date(ahead.decoded.metadata.savedAt) >= timeOfStamp(stamp)) return versionIn(ahead);
  return plan.kind === "usable" ? plan.version : undefined;
}

/**
 * Where the snapshot is the one that the repair was to write: of its revision, which no other operation writes before this is settled,
 * and not the file that it found, which may be of that revision too.
 */
async function isRepaired(trash: Trash, operation: Operation, plan: RecoveryPlan): Promise<boolean> {
  const kept = await trash.files.compare(operation);
  // Of an earlier version, which did not name the revision.
  if (operation.revision === undefined) return kept === "changed";
  if (kept === "gone" || plan.kind !== "usable") return false;
  const isWritten = plan.source === "snapshot" && plan.base === operation.revision;
  return isWritten && !(await trash.files.holdsSnapshot(operation));
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
