/**
 * A checkpoint as lines of a log: values only of channels that were written, and of a list that grew only what was added; all
 * others are those of the parent.
 */
import { addedItems } from "../checkpoints/grown-list.js";
import { DraftstateError } from "../errors.js";
import { JSON_TYPE, type Payload } from "../checkpoints/payload.js";
import {
  encodeCheckpoint,
  encodeValue,
  encodeWrites,
  type ChannelVersion,
  type CheckpointRecord,
  type ValueRecord,
  type WriteOfTask,
  type WritesRecord,
} from "../checkpoints/record.js";
import type { Line } from "./thread-log.js";
import type { ThreadView } from "./thread-view.js";

export interface PutRequest {
  readonly ns: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly run: string | undefined;
  /** Of every channel. */
  readonly versions: ReadonlyMap<string, ChannelVersion>;
  /** Of channels that were written since the parent. */
  readonly newVersions: ReadonlyMap<string, ChannelVersion>;
  /** What was written; undefined for a channel that has no value now. */
  readonly written: ReadonlyMap<string, Payload | undefined>;
  /** The checkpoint without its channels. */
  readonly state: Payload;
  readonly metadata: Payload;
  /** Streams whose answers it holds. */
  readonly drops: readonly number[];
}

export interface WritesRequest {
  readonly ns: string;
  readonly checkpoint: string;
  readonly task: string;
  readonly path: string;
  readonly writes: readonly (WriteOfTask & { readonly data: Payload })[];
}

export async function linesOfPut(view: ThreadView, request: PutRequest, at: number): Promise<Line[]> {
  const { ns, id, parent, run, versions, written, state, metadata, drops } = request;
  const values = new Map<string, number>();
  const lines: Line[] = [];
  const isOrphan = parent !== undefined && view.index.checkpoint(ns, parent) === undefined;
  for (const [channel, version] of new Map([...request.newVersions, ...versions])) {
    if (!written.has(channel)) {
      const number = carriedOver(view, request, channel, version);
      if (number !== undefined) values.set(channel, number);
      else if (isOrphan) throw orphan(view, request);
      continue;
    }
    const data = written.get(channel);
    if (data === undefined) continue;
    const value = await valueOf(view, request, channel, version, data);
    values.set(channel, value.number);
    if ("line" in value) lines.push(value.line);
  }
  const record: CheckpointRecord = {
    kind: "checkpoint",
    ns,
    id,
    ...(parent === undefined ? {} : { parent }),
    ...(run === undefined ? {} : { run }),
    at,
    versions,
    values,
    drops,
  };
  lines.push({ record, bytes: encodeCheckpoint(record, state, metadata), payloads: [state, metadata] });
  return lines;
}

/** Of a channel that was not written: what the parent has; without a parent, the newest of this version. */
function carriedOver(
  view: ThreadView,
  { ns, parent }: PutRequest,
  channel: string,
  version: ChannelVersion,
): number | undefined {
  const known = parent === undefined ? undefined : view.index.checkpoint(ns, parent);
  if (known?.versions.get(channel) === version) return known.values.get(channel);
  return view.index.valueAt(ns, channel, version)?.number;
}

/** Where the parent is gone, whether a channel without a value had none is not known. */
function orphan({ threadId }: ThreadView, { parent = "" }: PutRequest): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `thread ${threadId}: checkpoint ${parent}, which the new one continues, is gone with its values (it was removed, or a server that lacks the last changes took over): nothing was saved; continue from the thread's last checkpoint`,
  );
}

type Value = { readonly number: number } | { readonly number: number; readonly line: Line };

async function valueOf(
  view: ThreadView,
  { ns, parent }: PutRequest,
  channel: string,
  version: ChannelVersion,
  data: Payload,
): Promise<Value> {
  const before = parent === undefined ? undefined : view.index.checkpoint(ns, parent)?.values.get(channel);
  const known = before === undefined ? undefined : await comparable(view, before, data);
  if (before !== undefined && known !== undefined && Buffer.compare(known.bytes, data.bytes) === 0)
    return { number: before };
  const added = known === undefined ? undefined : addedItems(known.bytes, data.bytes);
  const number = view.index.nextNumber();
  const record: ValueRecord = {
    kind: "value",
    number,
    ns,
    channel,
    version,
    ...(added === undefined || before === undefined ? {} : { of: before }),
  };
  const stored = added === undefined ? data : { type: JSON_TYPE, bytes: added };
  return { number, line: { record, bytes: encodeValue(record, stored), payloads: [data] } };
}

const LIST = 0x5b;

/** The channel's value before, where it may be the same or a list that grew: another that is not at hand is not read for that. */
async function comparable(view: ThreadView, before: number, data: Payload): Promise<Payload | undefined> {
  const isList = data.type === JSON_TYPE && data.bytes[0] === LIST;
  const known = isList ? await view.value(before) : view.knownValue(before);
  return known?.type === data.type ? known : undefined;
}

/** Undefined where all of it is written already. */
export function lineOfWrites(view: ThreadView, request: WritesRequest): Line | undefined {
  const { ns, checkpoint, task, path } = request;
  const done = new Set(
    view.index.writesOf(ns, checkpoint).flatMap((write) => (write.task === task && write.idx >= 0 ? [write.idx] : [])),
  );
  const writes = request.writes.filter(({ idx }) => !done.has(idx));
  if (writes.length === 0) return undefined;
  const data = writes.map((write) => write.data);
  const record: WritesRecord = {
    kind: "writes",
    ns,
    checkpoint,
    task,
    path,
    writes: writes.map(({ idx, channel }) => ({ idx, channel })),
  };
  return { record, bytes: encodeWrites(record, data), payloads: data };
}
