/** What a thread is at its newest checkpoint, or at another: its times, what it waits for, and the status that comes of it. Reads only. */
import type { Partial } from "../checkpoints/streams.js";
import type { CheckpointEntry, ThreadIndex } from "../checkpoints/thread-index.js";
import type { Status } from "../model/conversation.js";
import { ownValue, type Json } from "../model/json.js";
import type { ThreadView } from "./thread-view.js";
import { jsonOf, objectOf } from "./values.js";

/** The namespace of the graph itself; of a thread that has only others, the first. */
export function ownNamespace(index: ThreadIndex): string {
  return index.latest("") === undefined ? (index.namespaces[0] ?? "") : "";
}

/** Milliseconds since 1970. */
export interface ThreadTimes {
  readonly checkpointCount: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export function timesOf(
  index: ThreadIndex,
  entry: CheckpointEntry | undefined,
  partials: readonly Partial[],
): ThreadTimes {
  const entries = index.checkpoints(ownNamespace(index));
  const starts = [entries.at(-1)?.at ?? Infinity, ...index.streams.partials.map(({ startedAt }) => startedAt)];
  const ends = [entry?.at ?? 0, ...partials.map(({ updatedAt }) => updatedAt)];
  return { checkpointCount: entries.length, createdAt: Math.min(...starts), updatedAt: Math.max(...ends) };
}

export interface Pending {
  readonly interrupts: readonly Json[];
  readonly hasFailed: boolean;
}

/** What the checkpoint's tasks have left: a question to a person, or an error. */
export async function pendingOf(view: ThreadView, entry: CheckpointEntry | undefined): Promise<Pending> {
  const writes = entry === undefined ? [] : view.index.writesOf(entry.ns, entry.id);
  const interrupts: Json[] = [];
  for (const write of writes.filter(({ channel }) => channel === "__interrupt__")) {
    const asked = jsonOf(await view.write(write));
    for (const each of Array.isArray(asked) ? (asked as readonly Json[]) : [asked])
      interrupts.push(ownValue(objectOf(each), "value") ?? each);
  }
  return { interrupts, hasFailed: writes.some(({ channel }) => channel === "__error__") };
}

export function statusOf({
  isLive,
  partials,
  interrupts,
  hasFailed,
}: Pending & { readonly isLive: boolean; readonly partials: number }): Status {
  if (partials > 0) return isLive ? "streaming" : "interrupted";
  if (hasFailed) return "error";
  return interrupts.length > 0 ? "interrupted" : "complete";
}
