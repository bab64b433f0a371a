/** A checkpoint of a thread as LangGraph knows it, with all that belongs to it. */
import {
  compareWritesSortKeys,
  maxChannelVersion,
  TASKS,
  writesSortKey,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import type { ChannelVersion } from "../checkpoints/record.js";
import type { CheckpointEntry, WriteEntry } from "../checkpoints/thread-index.js";
import type { ThreadView } from "../threads/thread-view.js";
import { configOf } from "./config.js";
import { load } from "./payloads.js";

/** Pending sends were a field of older checkpoints. */
const FIRST_WITH_SENDS_AS_CHANNEL = 4;

export async function tupleOf(
  view: ThreadView,
  serde: SerializerProtocol,
  entry: CheckpointEntry,
): Promise<CheckpointTuple> {
  const { ns, id, parent } = entry;
  const [checkpoint, metadata, pendingWrites] = await Promise.all([
    checkpointOf(view, serde, entry),
    metadataOf(view, serde, entry),
    pendingWritesOf(view, serde, ns, id),
  ]);
  return {
    config: configOf(view.threadId, ns, id),
    checkpoint,
    metadata,
    pendingWrites,
    ...(parent === undefined ? {} : { parentConfig: configOf(view.threadId, ns, parent) }),
  };
}

export async function metadataOf(
  view: ThreadView,
  serde: SerializerProtocol,
  entry: CheckpointEntry,
): Promise<CheckpointMetadata> {
  return (await load(serde, (await view.checkpoint(entry)).metadata)) as CheckpointMetadata;
}

/** In the order in which a live run applies them. */
export function orderedWrites(view: ThreadView, ns: string, checkpoint: string): WriteEntry[] {
  const keyOf = ({ path, task, idx }: WriteEntry): ReturnType<typeof writesSortKey> => writesSortKey(path, task, idx);
  return view.index.writesOf(ns, checkpoint).sort((left, right) => compareWritesSortKeys(keyOf(left), keyOf(right)));
}

export async function pendingWriteOf(
  view: ThreadView,
  serde: SerializerProtocol,
  write: WriteEntry,
): Promise<CheckpointPendingWrite> {
  return [write.task, write.channel, await load(serde, await view.write(write))];
}

function pendingWritesOf(
  view: ThreadView,
  serde: SerializerProtocol,
  ns: string,
  checkpoint: string,
): Promise<CheckpointPendingWrite[]> {
  return Promise.all(orderedWrites(view, ns, checkpoint).map((write) => pendingWriteOf(view, serde, write)));
}

export async function valueOf(view: ThreadView, serde: SerializerProtocol, number: number): Promise<unknown> {
  return load(serde, await view.value(number));
}

async function checkpointOf(view: ThreadView, serde: SerializerProtocol, entry: CheckpointEntry): Promise<Checkpoint> {
  const { id, values, versions } = entry;
  const [state, entries] = await Promise.all([
    view.checkpoint(entry).then((data) => load(serde, data.state)),
    Promise.all([...values].map(async ([channel, number]) => [channel, await valueOf(view, serde, number)] as const)),
  ]);
  const checkpoint = {
    ...(state as Omit<Checkpoint, "id" | "channel_values" | "channel_versions">),
    id,
    channel_values: Object.fromEntries(entries) as Record<string, unknown>,
    channel_versions: Object.fromEntries(versions) as Record<string, ChannelVersion>,
  };
  return checkpoint.v < FIRST_WITH_SENDS_AS_CHANNEL ? withSends(view, serde, entry, checkpoint) : checkpoint;
}

async function withSends(
  view: ThreadView,
  serde: SerializerProtocol,
  { ns, parent }: CheckpointEntry,
  checkpoint: Checkpoint,
): Promise<Checkpoint> {
  if (parent === undefined) return checkpoint;
  const sends = orderedWrites(view, ns, parent).filter(({ channel }) => channel === TASKS);
  const versions = Object.values(checkpoint.channel_versions);
  const values = await Promise.all(sends.map(async (write) => load(serde, await view.write(write))));
  return {
    ...checkpoint,
    channel_values: { ...checkpoint.channel_values, [TASKS]: values },
    channel_versions: {
      ...checkpoint.channel_versions,
      [TASKS]: versions.length > 0 ? maxChannelVersion(...versions) : 1,
    },
  };
}
