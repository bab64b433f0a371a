/**
 * A thread's checkpoints and a policy → what stays, why, and what goes. The policy is that of backups. It decides on the
 * checkpoints of the graph itself; those of a node's subgraph stay with the checkpoint that they belong to, and those that a
 * later one is made of stay with it. Pure.
 */
import { planRetention, type RetentionPolicy } from "../plan/retention.js";
import type { CheckpointEntry, ThreadIndex } from "./thread-index.js";

/** What a checkpoint's metadata says of others. */
export interface Lineage {
  /** Of the graph that started this subgraph: namespace → checkpoint. */
  readonly parents: ReadonlyMap<string, string>;
  /** Channels whose value is in the writes of its ancestors. */
  readonly deltaChannels: readonly string[];
}

export interface CheckpointRetention {
  readonly keep: readonly { readonly entry: CheckpointEntry; readonly reasons: readonly string[] }[];
  readonly remove: readonly CheckpointEntry[];
}

type Reasons = Map<CheckpointEntry, string[]>;

/** Throws nothing away that has no rule: without one, everything stays. */
export function planByPolicy(
  index: ThreadIndex,
  lineageOf: (entry: CheckpointEntry) => Lineage,
  policy: RetentionPolicy,
  now: number,
): CheckpointRetention {
  const reasons: Reasons = new Map();
  for (const ns of index.namespaces.filter(isOwnHistory)) {
    const entries = index.checkpoints(ns);
    const points = entries.map((entry, at) => ({
      name: entry.id,
      at: entry.at,
      revision: entries.length - at,
      pinned: false,
      valid: true,
      entry,
    }));
    const plan = planRetention(points, policy, { now, protectLastValid: false });
    for (const { backup, reasons: why } of plan.keep) reasons.set(backup.entry, [...why]);
    // The newest is the thread: whatever the rules say, it stays.
    const [newest] = entries;
    if (newest !== undefined && !reasons.has(newest)) reasons.set(newest, ["newest"]);
  }
  return decided(index, lineageOf, reasons);
}

/** All but those of these runs, and but what others need of theirs. */
export function planWithoutRuns(
  index: ThreadIndex,
  lineageOf: (entry: CheckpointEntry) => Lineage,
  runs: ReadonlySet<string>,
): CheckpointRetention {
  const isOther = ({ run }: CheckpointEntry): boolean => run === undefined || !runs.has(run);
  const kept = index.checkpoints().filter((entry) => isOwnHistory(entry.ns) && isOther(entry));
  return decided(index, lineageOf, new Map(kept.map((entry) => [entry, ["another run"]])));
}

/** A namespace with a task in it belongs to one run of one node. */
function isOwnHistory(ns: string): boolean {
  return !ns.includes(":");
}

function decided(
  index: ThreadIndex,
  lineageOf: (entry: CheckpointEntry) => Lineage,
  reasons: Reasons,
): CheckpointRetention {
  for (const entry of index.checkpoints())
    if (!isOwnHistory(entry.ns) && belongsToKept(index, lineageOf(entry), reasons)) reasons.set(entry, ["subgraph"]);
  for (const entry of [...reasons.keys()]) {
    for (const needed of ancestorsNeeded(index, entry, lineageOf(entry).deltaChannels))
      if (!reasons.has(needed)) reasons.set(needed, ["needed by a later one"]);
  }
  const all = index.checkpoints();
  return {
    keep: all.flatMap((entry) => {
      const why = reasons.get(entry);
      return why === undefined ? [] : [{ entry, reasons: why }];
    }),
    remove: all.filter((entry) => !reasons.has(entry)),
  };
}

function belongsToKept(index: ThreadIndex, { parents }: Lineage, reasons: Reasons): boolean {
  const root = parents.get("");
  // Of one that does not say where it belongs nothing is concluded.
  if (root === undefined) return true;
  const entry = index.checkpoint("", root);
  return entry === undefined || reasons.has(entry);
}

/** Up to the nearest that has a value, of each such channel. */
function ancestorsNeeded(
  index: ThreadIndex,
  entry: CheckpointEntry,
  channels: readonly string[],
): Set<CheckpointEntry> {
  const needed = new Set<CheckpointEntry>();
  for (const channel of channels) {
    const seen = new Set<string>([entry.id]);
    let current: CheckpointEntry | undefined = entry;
    while (
      current !== undefined &&
      !current.values.has(channel) &&
      current.parent !== undefined &&
      !seen.has(current.parent)
    ) {
      seen.add(current.parent);
      current = index.checkpoint(entry.ns, current.parent);
      if (current !== undefined) needed.add(current);
    }
  }
  return needed;
}
