/**
 * Threads out of any LangGraph saver into another, through the interface that all of them have. The oldest checkpoint of a thread
 * goes first, each with its pending writes; what the target holds already is skipped, so that a copy that was cut off is resumed.
 */
import type {
  BaseCheckpointSaver,
  ChannelVersions,
  Checkpoint,
  CheckpointPendingWrite,
  CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import { checkpointIdOf, configOf, mustHaveThreadId, namespaceOf } from "./config.js";

export interface CopyThreadsOptions {
  /** Of these threads; of all, where left out. */
  readonly threadIds?: readonly string[];
  readonly onThread?: (threadId: string, result: CopiedThread) => void;
}

/** Numbers of checkpoints. */
export interface CopiedThread {
  readonly copied: number;
  /** The target had them. */
  readonly skipped: number;
}

interface Position {
  readonly ns: string;
  readonly id: string;
}

/** By thread. Rejects with the first failure; what was copied until then stays, and is skipped the next time. */
export async function copyThreads(
  from: BaseCheckpointSaver,
  to: BaseCheckpointSaver,
  { threadIds, onThread }: CopyThreadsOptions = {},
): Promise<Map<string, CopiedThread>> {
  const results = new Map<string, CopiedThread>();
  for (const [threadId, positions] of await positionsOf(from, threadIds)) {
    const result = await copyThread(from, to, threadId, positions);
    results.set(threadId, result);
    onThread?.(threadId, result);
  }
  return results;
}

/** Of each thread, the oldest first: identifiers of checkpoints grow with time. */
async function positionsOf(
  saver: BaseCheckpointSaver,
  threadIds: readonly string[] | undefined,
): Promise<Map<string, Position[]>> {
  const found = new Map<string, Position[]>();
  const configs =
    threadIds === undefined ? [{ configurable: {} }] : threadIds.map((id) => ({ configurable: { thread_id: id } }));
  for (const config of configs)
    for await (const tuple of saver.list(config)) {
      const threadId = mustHaveThreadId(tuple.config, "copyThreads");
      const positions = found.get(threadId) ?? [];
      found.set(threadId, positions);
      positions.push({ ns: namespaceOf(tuple.config) ?? "", id: tuple.checkpoint.id });
    }
  for (const positions of found.values())
    positions.sort((left, right) => (left.id < right.id ? -1 : Number(left.id > right.id)));
  return found;
}

async function copyThread(
  from: BaseCheckpointSaver,
  to: BaseCheckpointSaver,
  threadId: string,
  positions: readonly Position[],
): Promise<CopiedThread> {
  const versions = new Map<string, ChannelVersions>();
  const result = { copied: 0, skipped: 0 };
  for (const { ns, id } of positions) {
    const tuple = await from.getTuple(configOf(threadId, ns, id));
    // Removed since it was listed.
    if (tuple === undefined) continue;
    const parent = checkpointIdOf(tuple.parentConfig);
    const known = parent === undefined ? undefined : versions.get(JSON.stringify([ns, parent]));
    versions.set(JSON.stringify([ns, id]), tuple.checkpoint.channel_versions);
    const isThere = await hasAll(to, threadId, ns, tuple);
    result[isThere ? "skipped" : "copied"] += 1;
    if (!isThere) await copyTuple(to, { threadId, ns, parent }, tuple, known ?? {});
  }
  return result;
}

async function hasAll(to: BaseCheckpointSaver, threadId: string, ns: string, tuple: CheckpointTuple): Promise<boolean> {
  const found = await to.getTuple(configOf(threadId, ns, tuple.checkpoint.id));
  return found !== undefined && found.pendingWrites?.length === tuple.pendingWrites?.length;
}

async function copyTuple(
  to: BaseCheckpointSaver,
  { threadId, ns, parent }: { readonly threadId: string; readonly ns: string; readonly parent: string | undefined },
  { checkpoint, metadata, pendingWrites = [] }: CheckpointTuple,
  parentVersions: ChannelVersions,
): Promise<void> {
  const config = { configurable: { thread_id: threadId, checkpoint_ns: ns, checkpoint_id: parent } };
  const changed = newVersionsOf(checkpoint, parentVersions);
  await to.put(config, checkpoint, metadata ?? { source: "fork", step: -1, parents: {} }, changed);
  const target = configOf(threadId, ns, checkpoint.id);
  for (const [at, [task, writes]] of [...byTask(pendingWrites)].entries())
    // Savers give the writes in the order of the tasks' paths, which they do not tell: a path of its own keeps that order.
    await to.putWrites(target, writes, task, String(at).padStart(6, "0"));
}

/** What a saver must store: also values of channels that have no version yet, which others keep with the rest. */
function newVersionsOf(
  { channel_values: values, channel_versions: versions }: Checkpoint,
  before: ChannelVersions,
): ChannelVersions {
  const unversioned = Object.keys(values).filter((channel) => !Object.hasOwn(versions, channel));
  const changed = Object.entries(versions).filter(([channel, version]) => before[channel] !== version);
  return Object.fromEntries([...unversioned.map((channel) => [channel, 0] as const), ...changed]);
}

function byTask(writes: readonly CheckpointPendingWrite[]): Map<string, [string, unknown][]> {
  const tasks = new Map<string, [string, unknown][]>();
  for (const [task, channel, value] of writes) {
    const known = tasks.get(task) ?? [];
    tasks.set(task, known);
    known.push([channel, value]);
  }
  return tasks;
}
