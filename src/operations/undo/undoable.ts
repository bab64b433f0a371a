/** What can be undone, to conversations and LangGraph threads, in one order. */
import { undoableOperations } from "../../store/pending.js";
import type { Store } from "../../store/store.js";
import type { Threads } from "../../threads/threads.js";
import { describeChange, undoableChanges } from "./thread-changes.js";
import { describeOperation, type UndoneOperation } from "./undone.js";

/** Newest first. */
export async function undoable(store: Store, threads: Threads): Promise<UndoneOperation[]> {
  const operations = (await undoableOperations(store)).map((each) => ({
    stamp: each.stamp,
    ...describeOperation(each),
  }));
  const changes = (await undoableChanges(threads)).map((each) => ({ stamp: each.stamp, ...describeChange(each) }));
  return [...operations, ...changes]
    .sort((left, right) => (left.stamp < right.stamp ? 1 : -1))
    .map(({ stamp: _, ...operation }) => operation);
}
