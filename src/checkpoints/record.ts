/**
 * What a line of a thread's log means: a channel's value, a checkpoint that names its values, the writes of a task, the tokens
 * of an answer on their way. Well-formed lines of another kind were written by a newer version. Pure.
 */
import { decodeLine, encodeLineOf, bufferOf, type DecodedPayload, type PayloadCodec } from "../journal/framing.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { count, countFromZero, counts, text, time } from "./fields.js";
import { fieldsOfSummary, summaryIn, type ThreadSummary } from "./summary.js";
import { decodePayload, encodePayload, isPayload, type Payload } from "./payload.js";
import {
  decodeDrop,
  decodeStream,
  decodeToken,
  type DropRecord,
  type StreamRecord,
  type TokenRecord,
} from "./token-record.js";

export const THREAD_VERSION = 1;

/** The first line of each segment of a log. */
export interface ThreadHeader {
  readonly threadId: string;
  /** Of the thread, ISO 8601: one that was deleted and begun anew is told by it. */
  readonly createdAt: string;
  readonly segment: number;
  /** It takes the place of every segment from this number on, up to its own. */
  readonly from: number;
  /** The highest number that a value or stream of the thread has had. */
  readonly numbers: number;
  /** The segment before `from`, and how much of it counts; undefined if there is none. */
  readonly after?: { readonly segment: number; readonly bytes: number };
}

export type ChannelVersion = string | number;

export interface ValueRecord {
  readonly kind: "value";
  /** Names the value in its thread; never used twice. */
  readonly number: number;
  readonly ns: string;
  readonly channel: string;
  readonly version: ChannelVersion;
  /** The list that these items are added to. */
  readonly of?: number;
}

export interface CheckpointRecord {
  readonly kind: "checkpoint";
  readonly ns: string;
  readonly id: string;
  readonly parent?: string;
  readonly run?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** By channel, its version: also of channels that have no value. */
  readonly versions: ReadonlyMap<string, ChannelVersion>;
  /** By channel, the number of its value. */
  readonly values: ReadonlyMap<string, number>;
  /** Streams whose answers the checkpoint holds. */
  readonly drops: readonly number[];
}

export interface WriteOfTask {
  /** Below 0: not a channel of the graph but an error, an interrupt … of which the last counts. */
  readonly idx: number;
  readonly channel: string;
}

export interface WritesRecord {
  readonly kind: "writes";
  readonly ns: string;
  readonly checkpoint: string;
  readonly task: string;
  readonly path: string;
  readonly writes: readonly WriteOfTask[];
}

/** The last line of a segment whose writer ended well: everything before it is durable. */
export interface EndRecord {
  readonly kind: "end";
  /** Of the whole thread; undefined where its writer could not tell. */
  readonly summary?: ThreadSummary;
}

export type ThreadRecord =
  ValueRecord | CheckpointRecord | WritesRecord | StreamRecord | TokenRecord | DropRecord | EndRecord;
export type ThreadLine = { readonly kind: "header"; readonly header: ThreadHeader } | ThreadRecord;

export const THREAD_CODEC: PayloadCodec<ThreadLine> = { decode, misplaced };

export function encodeThreadHeader(header: ThreadHeader): Buffer {
  return encodeLineOf([members({ thread: THREAD_VERSION, ...header })]);
}

export function encodeValue({ number, ns, channel, version, of }: ValueRecord, data: Payload): Buffer {
  const fields = { value: number, ns, channel, version, ...(of === undefined ? {} : { of }) };
  return encodeLineOf([members(fields), ',"data":', ...encodePayload(data)]);
}

export function encodeCheckpoint(record: CheckpointRecord, state: Payload, metadata: Payload): Buffer {
  const { id, ns, parent, run, at, versions, values, drops } = record;
  const fields = {
    checkpoint: id,
    ns,
    ...(parent === undefined ? {} : { parent }),
    ...(run === undefined ? {} : { run }),
    at,
    versions: Object.fromEntries(versions),
    values: Object.fromEntries(values),
    ...(drops.length === 0 ? {} : { drops }),
  };
  return encodeLineOf([
    members(fields),
    ',"state":',
    ...encodePayload(state),
    ',"metadata":',
    ...encodePayload(metadata),
  ]);
}

export function encodeWrites(record: WritesRecord, data: readonly Payload[]): Buffer {
  const { checkpoint, ns, task, path, writes } = record;
  const listed = writes.flatMap((write, at) => {
    const payload = data[at];
    if (payload === undefined) throw new RangeError("a write without its value");
    return [`${at === 0 ? "" : ","}{${members(write)},"data":`, ...encodePayload(payload), "}"];
  });
  return encodeLineOf([members({ writes: checkpoint, ns, task, path }), ',"of":[', ...listed, "]"]);
}

export function encodeEnd(summary?: ThreadSummary): Buffer {
  return encodeLineOf([
    members({ end: true, ...(summary === undefined ? {} : { summary: fieldsOfSummary(summary) }) }),
  ]);
}

function members(fields: object): string {
  return JSON.stringify(fields).slice(1, -1);
}

const VALUE_DATA = Buffer.from(',"data":{"json":', "latin1");
const VALUE_END = "}}\n".length;

/** Of a value's line that `decode` took. A long JSON is cut out as it is: no text before it can hold an unescaped quote. */
export function dataOfValue(line: Uint8Array): Payload {
  const at = bufferOf(line).indexOf(VALUE_DATA);
  return at === -1
    ? decodePayload(ownValue(parsed(line), "data"))
    : { type: "json", bytes: line.subarray(at + VALUE_DATA.length, line.length - VALUE_END) };
}

export function dataOfCheckpoint(line: Uint8Array): { readonly state: Payload; readonly metadata: Payload } {
  const fields = parsed(line);
  return { state: decodePayload(ownValue(fields, "state")), metadata: decodePayload(ownValue(fields, "metadata")) };
}

export function dataOfWrites(line: Uint8Array): Payload[] {
  const listed = ownValue(parsed(line), "of");
  return (Array.isArray(listed) ? (listed as readonly Json[]) : []).map((write) =>
    decodePayload(isJsonObject(write) ? ownValue(write, "data") : undefined),
  );
}

/** A line as it was read before, with its newline: damaged since then, it throws. */
function parsed(line: Uint8Array): JsonObject {
  const decoded = decodeLine<JsonObject>(bufferOf(line).subarray(0, -1), {
    decode: (fields) => ({ kind: "ok", value: fields }),
  });
  if (decoded.kind === "ok") return decoded.value;
  throw new TypeError(decoded.detail);
}

type Decoded = DecodedPayload<ThreadLine>;

const DECODERS = {
  thread: decodeHeader,
  value: decodeValue,
  checkpoint: decodeCheckpoint,
  writes: decodeWrites,
  stream: decodeStream,
  s: decodeToken,
  drop: decodeDrop,
  end: decodeEnd,
} as const satisfies Record<string, (fields: JsonObject) => ThreadLine>;
const KINDS = Object.keys(DECODERS) as readonly (keyof typeof DECODERS)[];

function decode(fields: JsonObject): Decoded {
  const kind = KINDS.find((name) => Object.hasOwn(fields, name));
  if (kind === undefined) return { kind: "newer", detail: `a record with ${namesIn(fields)}` };
  const version = fields["thread"];
  if (kind === "thread" && version !== THREAD_VERSION)
    return { kind: "newer", detail: `thread log version ${JSON.stringify(version).slice(0, 40)}` };
  return { kind: "ok", value: DECODERS[kind](fields) };
}

function namesIn(fields: JsonObject): string {
  return Object.keys(fields)
    .filter((name) => name !== "crc" && name !== "len")
    .slice(0, 3)
    .map((name) => JSON.stringify(name).slice(0, 40))
    .join(", ");
}

function misplaced(line: ThreadLine, before: ThreadLine | undefined): string | undefined {
  if (line.kind === "header") return before === undefined ? undefined : "a second header";
  return before === undefined ? "a record without a header" : undefined;
}

function decodeHeader(fields: JsonObject): ThreadLine {
  const after = ownValue(fields, "after");
  return {
    kind: "header",
    header: {
      threadId: text(fields, "threadId"),
      createdAt: text(fields, "createdAt"),
      segment: count(fields, "segment"),
      from: count(fields, "from"),
      numbers: countFromZero(fields, "numbers"),
      ...(isJsonObject(after) ? { after: { segment: count(after, "segment"), bytes: count(after, "bytes") } } : {}),
    },
  };
}

function decodeEnd(fields: JsonObject): ThreadLine {
  const summary = summaryIn(fields);
  return { kind: "end", ...(summary === undefined ? {} : { summary }) };
}

function decodeValue(fields: JsonObject): ThreadLine {
  if (!isPayload(ownValue(fields, "data"))) throw new TypeError("it holds no value");
  return {
    kind: "value",
    number: count(fields, "value"),
    ns: text(fields, "ns"),
    channel: text(fields, "channel"),
    version: channelVersion(ownValue(fields, "version")),
    ...(Object.hasOwn(fields, "of") ? { of: count(fields, "of") } : {}),
  };
}

function channelVersion(value: Json | undefined): ChannelVersion {
  if (typeof value === "string" || typeof value === "number") return value;
  throw new TypeError("its version is wrong");
}

function decodeCheckpoint(fields: JsonObject): ThreadLine {
  const [values, versions] = [ownValue(fields, "values"), ownValue(fields, "versions")];
  if (!isJsonObject(values) || !isJsonObject(versions)) throw new TypeError("it names no values");
  if (!isPayload(ownValue(fields, "state")) || !isPayload(ownValue(fields, "metadata")))
    throw new TypeError("it holds no state");
  return {
    kind: "checkpoint",
    id: text(fields, "checkpoint"),
    ns: text(fields, "ns"),
    ...(Object.hasOwn(fields, "parent") ? { parent: text(fields, "parent") } : {}),
    ...(Object.hasOwn(fields, "run") ? { run: text(fields, "run") } : {}),
    at: time(fields, "at"),
    versions: new Map(Object.entries(versions).map(([channel, version]) => [channel, channelVersion(version)])),
    values: new Map(Object.keys(values).map((channel) => [channel, count(values, channel)])),
    drops: Object.hasOwn(fields, "drops") ? counts(fields, "drops") : [],
  };
}

function decodeWrites(fields: JsonObject): ThreadLine {
  const listed = ownValue(fields, "of");
  if (!Array.isArray(listed)) throw new TypeError("it holds no writes");
  return {
    kind: "writes",
    checkpoint: text(fields, "writes"),
    ns: text(fields, "ns"),
    task: text(fields, "task"),
    path: text(fields, "path"),
    writes: (listed as readonly Json[]).map(decodeWrite),
  };
}

function decodeWrite(value: Json): WriteOfTask {
  if (!isJsonObject(value) || !isPayload(ownValue(value, "data"))) throw new TypeError("it holds no write");
  const idx = ownValue(value, "idx");
  if (typeof idx !== "number" || !Number.isSafeInteger(idx)) throw new TypeError("its idx is wrong");
  return { idx, channel: text(value, "channel") };
}
