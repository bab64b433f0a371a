/**
 * The lines of an answer on its way: where it streams, its tokens, and that it is not needed any more, since the node that
 * streamed it has written it, or a person has dropped it. Pure.
 */
import { encodeLineOf } from "../journal/framing.js";
import { ownValue, type Json, type JsonObject } from "../model/json.js";
import { count, counts, optionalText, text, time } from "./fields.js";

/** Where an answer streams. */
export interface StreamOrigin {
  readonly run: string;
  /** Of the graph that the node belongs to. */
  readonly ns: string;
  readonly node: string;
  /** Those under way on the path to it, the outermost first: once one of them has written, the answer is kept elsewhere. */
  readonly tasks: readonly string[];
  readonly message: string;
}

export interface StreamRecord extends StreamOrigin {
  readonly kind: "stream";
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface TokenRecord {
  readonly kind: "token";
  readonly stream: number;
  readonly at: number;
  readonly text: string;
  /** Parts of tool calls, as the model gave them. */
  readonly calls: readonly Json[];
}

export interface DropRecord {
  readonly kind: "drop";
  readonly streams: readonly number[];
}

export function encodeStream({ number, at, run, ns, node, tasks, message }: StreamRecord): Buffer {
  return line({ stream: number, at, run, ns, node, tasks, message });
}

export function encodeToken({ stream, at, text: token, calls }: TokenRecord): Buffer {
  return line({ s: stream, at, ...(token === "" ? {} : { t: token }), ...(calls.length === 0 ? {} : { calls }) });
}

export function encodeDrop({ streams }: DropRecord): Buffer {
  return line({ drop: streams });
}

function line(fields: object): Buffer {
  return encodeLineOf([JSON.stringify(fields).slice(1, -1)]);
}

export function decodeStream(fields: JsonObject): StreamRecord {
  const tasks = ownValue(fields, "tasks");
  if (!Array.isArray(tasks) || !(tasks as readonly Json[]).every((task) => typeof task === "string"))
    throw new TypeError("its tasks are wrong");
  return {
    kind: "stream",
    number: count(fields, "stream"),
    at: time(fields, "at"),
    run: text(fields, "run"),
    ns: text(fields, "ns"),
    node: text(fields, "node"),
    tasks: tasks as readonly string[],
    message: text(fields, "message"),
  };
}

export function decodeToken(fields: JsonObject): TokenRecord {
  const calls = ownValue(fields, "calls");
  return {
    kind: "token",
    stream: count(fields, "s"),
    at: time(fields, "at"),
    text: optionalText(fields, "t") ?? "",
    calls: Array.isArray(calls) ? (calls as readonly Json[]) : [],
  };
}

export function decodeDrop(fields: JsonObject): DropRecord {
  return { kind: "drop", streams: counts(fields, "drop") };
}
