/** What channels that store their changes alone came to: the writes from the nearest stored value on, read in one walk. */
import type { CheckpointPendingWrite, DeltaChannelHistory, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { CheckpointEntry } from "../checkpoints/thread-index.js";
import type { ThreadView } from "../threads/thread-view.js";
import { orderedWrites, pendingWriteOf, valueOf } from "./tuples.js";

export interface HistoryQuery {
  readonly ns: string;
  /** The newest where it is left out. */
  readonly id: string | undefined;
  readonly channels: readonly string[];
}

/** The writes that are pending at the checkpoint itself are not part of it. */
export async function deltaHistoryOf(
  view: ThreadView,
  serde: SerializerProtocol,
  { ns, id, channels }: HistoryQuery,
): Promise<Record<string, DeltaChannelHistory>> {
  const target = id === undefined ? view.index.latest(ns) : view.index.checkpoint(ns, id);
  const writes = new Map<string, CheckpointPendingWrite[]>(channels.map((channel) => [channel, []]));
  const seeds = new Map<string, unknown>();
  for (const entry of ancestorsOf(view, target)) {
    const open = channels.filter((channel) => !seeds.has(channel));
    if (open.length === 0) break;
    // Collected from the newest on.
    for (const write of orderedWrites(view, ns, entry.id).reverse())
      if (open.includes(write.channel)) writes.get(write.channel)?.push(await pendingWriteOf(view, serde, write));
    for (const channel of open) {
      const number = entry.values.get(channel);
      const seed = number === undefined ? undefined : await valueOf(view, serde, number);
      if (seed !== undefined) seeds.set(channel, seed);
    }
  }
  const history = channels.map((channel) => {
    const collected = (writes.get(channel) ?? []).toReversed();
    return [
      channel,
      seeds.has(channel) ? { writes: collected, seed: seeds.get(channel) } : { writes: collected },
    ] as const;
  });
  return Object.fromEntries(history);
}

/** The nearest first. A parent that is not there, or was met before, ends the walk. */
function* ancestorsOf(view: ThreadView, of: CheckpointEntry | undefined): Generator<CheckpointEntry> {
  const seen = new Set<string>();
  for (let entry = of; entry?.parent !== undefined && !seen.has(entry.parent);) {
    seen.add(entry.parent);
    entry = view.index.checkpoint(entry.ns, entry.parent);
    if (entry !== undefined) yield entry;
  }
}
