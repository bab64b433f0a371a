/**
 * What a list shows of a thread, in the line that ends its log: so the end of one file tells it, however long the log is. It names
 * the files that it was made of, and how long they were. Pure.
 */
import { decodeLine, bufferOf } from "../journal/framing.js";
import { STATUSES, type Status } from "../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { count, countFromZero, text, time } from "./fields.js";

export interface ThreadSummary {
  readonly threadId: string;
  /** When it was made. Milliseconds since 1970, as the other times. */
  readonly at: number;
  /** The files of the log, the oldest first; of each, how many bytes count. */
  readonly segments: readonly SegmentLength[];
  /** Of the graph itself, without those of subgraphs. */
  readonly checkpoints: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly title: string;
  /** While nobody writes it. */
  readonly status: Status;
  /** Answers that no node has written among them; undefined where the state has none. */
  readonly messages?: number;
  /** Answers that no node has written. */
  readonly partials: number;
}

export interface SegmentLength {
  readonly number: number;
  readonly bytes: number;
}

export function fieldsOfSummary({ segments, ...summary }: ThreadSummary): JsonObject {
  return { ...summary, segments: segments.map(({ number, bytes }) => [number, bytes]) };
}

/** Undefined where it is missing, or has another form: then the log itself tells what it holds. */
export function summaryIn(fields: JsonObject): ThreadSummary | undefined {
  const summary = ownValue(fields, "summary");
  if (!isJsonObject(summary)) return undefined;
  try {
    return decoded(summary);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function decoded(fields: JsonObject): ThreadSummary {
  const status = STATUSES.find((each) => each === ownValue(fields, "status"));
  const segments = ownValue(fields, "segments");
  if (status === undefined || !Array.isArray(segments)) throw new TypeError("it has no status or segments");
  return {
    threadId: text(fields, "threadId"),
    at: time(fields, "at"),
    segments: (segments as readonly Json[]).map(segmentLength),
    checkpoints: countFromZero(fields, "checkpoints"),
    createdAt: time(fields, "createdAt"),
    updatedAt: time(fields, "updatedAt"),
    title: text(fields, "title"),
    status,
    ...(Object.hasOwn(fields, "messages") ? { messages: countFromZero(fields, "messages") } : {}),
    partials: countFromZero(fields, "partials"),
  };
}

function segmentLength(value: Json): SegmentLength {
  const [number, bytes] = Array.isArray(value) ? (value as readonly Json[]) : [];
  const fields = { number: number ?? null, bytes: bytes ?? null };
  return { number: count(fields, "number"), bytes: count(fields, "bytes") };
}

const NEWLINE = 0x0a;

/** Of a log that ends so; `end`: its last bytes. */
export function summaryAtEnd(end: Uint8Array, size: number): ThreadSummary | undefined {
  const bytes = bufferOf(end);
  if (bytes.at(-1) !== NEWLINE) return undefined;
  const start = bytes.lastIndexOf(NEWLINE, -2) + 1;
  if (start === 0) return undefined;
  const line = decodeLine<ThreadSummary | undefined>(bytes.subarray(start, -1), {
    decode: (fields) => ({ kind: "ok", value: summaryIn(fields) }),
  });
  const summary = line.kind === "ok" ? line.value : undefined;
  // It was cut, or grew, where this differs.
  return summary?.segments.at(-1)?.bytes === size - (bytes.length - start) ? summary : undefined;
}
