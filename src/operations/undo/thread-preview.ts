/** What undoing each change of a LangGraph thread would bring back; read from records and files, nothing is changed. */
import { timeOfStamp } from "../../store/trash-record.js";
import type { KeptChange } from "../../threads/thread-trash.js";
import type { Threads } from "../../threads/threads.js";
import { describeChange, undoableChanges } from "./thread-changes.js";
import { isOf, type PreviewOptions, type UndoPreview } from "./undone.js";

/** Newest first. */
export async function previewChanges(threads: Threads, { id, kind, at, last }: PreviewOptions): Promise<UndoPreview[]> {
  if (kind === "conversation" || (kind === undefined && id !== undefined)) return [];
  const all = await undoableChanges(threads);
  const wanted = all.filter(({ threadId, stamp }) => (id === undefined || threadId === id) && isOf(stamp, at));
  return Promise.all(wanted.slice(0, last === true ? 1 : undefined).map((change) => previewOf(threads, change, all)));
}

async function previewOf(threads: Threads, change: KeptChange, all: readonly KeptChange[]): Promise<UndoPreview> {
  const together = all.filter(
    ({ group, kind, threadId }) => group === change.group && kind === change.kind && threadId !== change.threadId,
  );
  return {
    ...describeChange(change),
    files: change.segments.length,
    together: together.map(({ threadId }) => threadId).sort(),
    changedSince: change.kind === "repair" && (await wasWrittenSince(threads, change)),
  };
}

/** What cannot be read was not. */
function wasWrittenSince(threads: Threads, { threadId, stamp }: KeptChange): Promise<boolean> {
  const since = timeOfStamp(stamp).getTime();
  return threads
    .get(threadId)
    .read((view) => Promise.resolve(view.index.checkpoints().some(({ at }) => at > since)))
    .catch(() => false);
}
