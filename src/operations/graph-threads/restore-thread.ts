/**
 * Back to an earlier checkpoint, forwards, as LangGraph forks (`updateState` as `__copy__`): a new checkpoint with the values of
 * the old one becomes the newest, so that the graph continues from there. Nothing is taken away.
 */
import { DraftstateError } from "../../errors.js";
import { idAfter } from "../../checkpoints/time-id.js";
import type { Payload } from "../../checkpoints/payload.js";
import type { CheckpointEntry } from "../../checkpoints/thread-index.js";
import { encodeCheckpoint, type CheckpointRecord } from "../../checkpoints/record.js";
import { isJsonObject, type JsonObject } from "../../model/json.js";
import type { Threads } from "../../threads/threads.js";
import type { Line } from "../../threads/thread-log.js";
import type { ThreadView } from "../../threads/thread-view.js";
import { ownNamespace } from "../../threads/newest.js";
import { findCheckpoint } from "./list-checkpoints.js";
import { mustExist } from "./thread-document.js";
import { jsonOf } from "../../threads/values.js";

export interface RestoredThread {
  readonly conversationId: string;
  readonly restoredFrom: string;
  /** Of the new checkpoint; null where the newest was to be restored, and nothing was written. */
  readonly checkpoint: string | null;
  /** The newest before: restoring it is the way back. */
  readonly previous: string;
}

/** Durable when it resolves. Throws `NOT_FOUND`, `INVALID_STATE` where no id can be made that sorts above the newest. */
export async function restoreThread(threads: Threads, threadId: string, wanted: string): Promise<RestoredThread> {
  let restored: RestoredThread | undefined;
  const thread = threads.get(threadId);
  if (await thread.read((view) => Promise.resolve(view.index.isEmpty))) throw mustExist(thread);
  await thread.append(async (view) => {
    const from = findCheckpoint(view, wanted);
    const newest = view.index.latest(ownNamespace(view.index)) ?? from;
    restored = { conversationId: threadId, restoredFrom: from.id, checkpoint: null, previous: newest.id };
    if (from === newest) return [];
    const line = await forkOf(view, from, newest, threads);
    restored = { ...restored, checkpoint: line.record.id };
    return [line];
  });
  if (restored === undefined) throw new RangeError("nothing was restored");
  return restored;
}

async function forkOf(
  view: ThreadView,
  from: CheckpointEntry,
  newest: CheckpointEntry,
  { store }: Threads,
): Promise<Line & { readonly record: CheckpointRecord }> {
  const now = store.now();
  const id = idAfter(newest.id, now, store.random);
  if (id === undefined)
    throw new DraftstateError(
      "INVALID_STATE",
      `the ids of thread ${JSON.stringify(view.threadId)}'s checkpoints are not LangGraph's: no new one is known to be the newest; nothing was changed`,
    );
  const { state, metadata } = await view.checkpoint(from);
  const { place: _, ...entry } = from;
  // Beside the old one: it has what its parent's writes give, too.
  const record: CheckpointRecord = { ...entry, id, parent: from.parent ?? from.id, at: now.getTime(), drops: [] };
  const payloads = [
    changed(state, () => ({ ts: now.toISOString() })),
    changed(metadata, ({ step }) => ({ source: "fork", step: typeof step === "number" ? step + 1 : 0 })),
  ] as const;
  return { record, bytes: encodeCheckpoint(record, ...payloads), payloads };
}

/** Another form than a JSON object is left as it is. */
function changed(payload: Payload, change: (fields: JsonObject) => JsonObject): Payload {
  const fields = jsonOf(payload);
  if (payload.type !== "json" || !isJsonObject(fields)) return payload;
  return { ...payload, bytes: Buffer.from(JSON.stringify({ ...fields, ...change(fields) })) };
}
