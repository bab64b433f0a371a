/**
 * Checkpoints that a policy, or the end of their runs, lets go. What stays is written as a new segment in one step; the log that
 * it takes the place of goes to the trash, whose record is durable before: a crash leaves the one log or the other.
 */
import { isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import type { RetentionPolicy } from "../plan/retention.js";
import { planByPolicy, planWithoutRuns, type CheckpointRetention, type Lineage } from "../checkpoints/retention.js";
import type { CheckpointEntry } from "../checkpoints/thread-index.js";
import { segmentKey } from "../store/names.js";
import type { ThreadRecordInTrash } from "../store/thread-record.js";
import { bytesOf, headerOfWhole, writeSegment } from "./new-segment.js";
import { SegmentReader } from "./segment-files.js";
import { beginChange, takeSegments } from "./thread-trash.js";
import type { LockedThread } from "./thread.js";
import type { ThreadView } from "./thread-view.js";

export interface PrunedCheckpoint {
  readonly namespace: string;
  readonly id: string;
}

export interface PruneThreadResult {
  readonly kept: readonly (PrunedCheckpoint & { readonly reasons: readonly string[] })[];
  readonly removed: readonly PrunedCheckpoint[];
}

export type PlanRemoval = (view: ThreadView) => Promise<CheckpointRetention>;

export function byPolicy(policy: RetentionPolicy, now: Date): PlanRemoval {
  return async (view) => planByPolicy(view.index, await lineages(view), policy, now.getTime());
}

export function withoutRuns(runs: readonly string[]): PlanRemoval {
  return async (view) => planWithoutRuns(view.index, await lineages(view), new Set(runs));
}

export function resultOf({ keep, remove }: CheckpointRetention): PruneThreadResult {
  return {
    kept: keep.map(({ entry, reasons }) => ({ namespace: entry.ns, id: entry.id, reasons })),
    removed: remove.map(({ ns, id }) => ({ namespace: ns, id })),
  };
}

export interface PruneOptions {
  /** For good. */
  readonly purge?: boolean;
  /** Of what the same command prunes with it. */
  readonly group?: string | undefined;
}

/** A record that names more would be too long to be read. */
const MAX_TOLD = 100_000;

export async function prune(
  { store, name, threadId, lock, look }: LockedThread,
  plan: PlanRemoval,
  { purge = false, group }: PruneOptions = {},
): Promise<PruneThreadResult & { readonly group?: string }> {
  const { view, createdAt, segments } = look;
  const decided = await plan(view);
  if (decided.remove.length === 0) return resultOf(decided);
  const numbers = segments.map(({ number }) => number);
  const lines = view.index.withOnly(decided.keep.map(({ entry }) => entry));
  const bytes = await bytesOf(lines, new SegmentReader(store.storage, name));
  const stamp = await store.trash.newStamp(lock);
  const removed = decided.remove.map(({ ns, id }) => [ns, id] as const);
  const record: ThreadRecordInTrash = {
    ...{ kind: "prune", threadId, createdAt, stamp, group: group ?? stamp, segments: numbers },
    ...(removed.length > MAX_TOLD ? {} : { removed }),
  };
  const keeps = store.trash.keeps && !purge;
  if (keeps) await beginChange(store, name, record, lock);
  const next = (numbers.at(-1) ?? 0) + 1;
  await writeSegment(store, name, headerOfWhole(threadId, createdAt, next, view.index), bytes, lock);
  if (keeps) await takeSegments(store, name, record, lock);
  else for (const number of numbers) await store.storage.remove(segmentKey(name, number), lock);
  return keeps ? { ...resultOf(decided), group: record.group } : resultOf(decided);
}

async function lineages(view: ThreadView): Promise<(entry: CheckpointEntry) => Lineage> {
  const found = new Map<CheckpointEntry, Lineage>();
  for (const entry of view.index.checkpoints())
    found.set(entry, lineageOf((await view.checkpoint(entry)).metadata.bytes));
  return (entry) => found.get(entry) ?? { parents: new Map(), deltaChannels: [] };
}

/** Of metadata in another form than JSON nothing is known. */
function lineageOf(bytes: Uint8Array): Lineage {
  const metadata = parsed(bytes);
  const [parents, counters] = [ownValue(metadata, "parents"), ownValue(metadata, "counters_since_delta_snapshot")];
  return {
    parents: new Map(
      isJsonObject(parents)
        ? Object.entries(parents).flatMap(([ns, id]) => (typeof id === "string" ? [[ns, id] as const] : []))
        : [],
    ),
    deltaChannels: isJsonObject(counters) ? Object.keys(counters) : [],
  };
}

function parsed(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
