/**
 * A log as lines of JSON, each with its own proof:
 *   {"crc":"9a3c01ff","len":41,"rev":231,"at":1736890201000,"token":" end."}
 * `crc` is CRC-32 over everything behind its comma up to the closing brace, `len` counts the bytes behind its own comma.
 * What the fields mean is the payload codec's matter: this file knows lines, torn ends and damage.
 */
import { getBuiltinModule } from "node:process";
import { messageOf } from "../errors.js";
import { isJsonObject, type JsonObject } from "../model/json.js";

/** Node's zlib takes milliseconds to load: it is, with the first line. */
let crc32: typeof import("node:zlib").crc32 | undefined;

function checksumOf(...parts: readonly (string | Uint8Array)[]): string {
  const sum = (crc32 ??= getBuiltinModule("node:zlib").crc32);
  let checksum = 0;
  for (const part of parts) checksum = sum(part, checksum);
  return checksum.toString(16).padStart(8, "0");
}

/** What the fields of a line mean. `newer`: well-formed, and beyond this version's knowledge. A decoder may throw: then the line is bad. */
export type DecodedPayload<V> =
  | { readonly kind: "ok"; readonly value: V }
  | { readonly kind: "newer"; readonly detail: string }
  | { readonly kind: "bad"; readonly detail: string };

export interface PayloadCodec<V> {
  decode(fields: JsonObject): DecodedPayload<V>;
  /** Why a line cannot stand where it does, behind `before`; undefined where it can. */
  misplaced?(value: V, before: V | undefined): string | undefined;
}

export type LogTail =
  | { readonly kind: "clean" }
  /** Ends within a line, as a crash leaves it; nothing good follows. */
  | { readonly kind: "torn"; readonly bytes: number; readonly detail: string }
  /** Good lines stand behind the bad one, so it was written whole once. */
  | { readonly kind: "damaged"; readonly bytes: number; readonly detail: string; readonly goodRecordsBehind: number };

export interface ScannedLog<V> {
  /** Up to the first line that is torn, damaged, misplaced or newer. */
  readonly values: readonly V[];
  /** Good values behind that line, never to be used; they show how far the log once reached. */
  readonly behind: readonly V[];
  /** Where belief ends, in bytes from the start. */
  readonly validBytes: number;
  readonly tail: LogTail;
  /** The first line that a newer version wrote, wherever it is: its checksum is right, so it is not damage. */
  readonly newer?: { readonly detail: string };
}

const NEWLINE = 0x0a;
const LINE = /^\{"crc":"([0-9a-f]{8})",("len":(\d{1,12}),)/;
const CLOSE = Buffer.from("}\n", "latin1");
const BODY_AT = '{"crc":"00000000",'.length;
const LONGEST_START = BODY_AT + '"len":000000000000,'.length;

/** With its newline. The fields must not be empty. */
export function encodeLine(fields: object): string {
  const inside = JSON.stringify(fields).slice(1, -1);
  const body = `"len":${Buffer.byteLength(inside) + 1},${inside}}`;
  return `{"crc":"${checksumOf(body)}",${body}\n`;
}

/** The same for fields that are JSON already, in parts: what is between the braces, without a newline. */
export function encodeLineOf(inside: readonly (string | Uint8Array)[]): Buffer {
  const parts = inside.map((part) => (typeof part === "string" ? Buffer.from(part, "utf8") : part));
  const length = parts.reduce((sum, part) => sum + part.length, 1);
  const lengthField = `"len":${length},`;
  const checksum = checksumOf(lengthField, ...parts, "}");
  return Buffer.concat([Buffer.from(`{"crc":"${checksum}",${lengthField}`, "latin1"), ...parts, CLOSE]);
}

function bad(detail: string): { readonly kind: "bad"; readonly detail: string } {
  return { kind: "bad", detail };
}

/** Why it is not as it was written; undefined where it is. Without its newline. */
export function damageOf(line: Buffer): string | undefined {
  const start = LINE.exec(line.toString("latin1", 0, LONGEST_START));
  if (start === null) return "it does not begin like a record";
  const [, crc = "", lengthField = "", length = ""] = start;
  if (line.length !== BODY_AT + lengthField.length + Number(length)) return "its length differs from what it says";
  return checksumOf(line.subarray(BODY_AT)) === crc ? undefined : "its checksum differs from its content";
}

/** One line without its newline. */
export function decodeLine<V>(line: Buffer, codec: PayloadCodec<V>): DecodedPayload<V> {
  const damage = damageOf(line);
  if (damage !== undefined) return bad(damage);
  try {
    const value: unknown = JSON.parse(line.toString("utf8"));
    return isJsonObject(value) ? codec.decode(value) : bad("it is not an object");
  } catch (error) {
    return bad(messageOf(error));
  }
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Line {
  readonly start: number;
  /** Without the newline. */
  readonly bytes: Buffer;
  readonly hasEnd: boolean;
}

export function* linesOf(buffer: Buffer, from = 0): Generator<Line> {
  for (let start = from; start < buffer.length;) {
    const found = buffer.indexOf(NEWLINE, start);
    const end = found === -1 ? buffer.length : found;
    yield { start, bytes: buffer.subarray(start, end), hasEnd: found !== -1 };
    start = end + 1;
  }
}

/** Where a line is in its log, newline included. */
export interface LinePlace {
  readonly start: number;
  readonly length: number;
}

/**
 * Looks behind the first line that cannot be believed only to tell torn, damaged and newer apart, never to use what stands
 * there. Tells `found` of each value that is believed, and where it is.
 */
export function scanLog<V>(
  bytes: Uint8Array,
  codec: PayloadCodec<V>,
  found?: (value: V, place: LinePlace) => void,
): ScannedLog<V> {
  const buffer = bufferOf(bytes);
  const values: V[] = [];
  for (const line of linesOf(buffer)) {
    const read = readLine(line, codec, values.at(-1));
    if (read.kind === "ok") {
      values.push(read.value);
      found?.(read.value, { start: line.start, length: line.bytes.length + 1 });
    } else return { values, validBytes: line.start, ...lookBehind(buffer, line, read, codec) };
  }
  return { values, behind: [], validBytes: buffer.length, tail: { kind: "clean" } };
}

function readLine<V>(line: Line, codec: PayloadCodec<V>, before: V | undefined): DecodedPayload<V> {
  const decoded = decodeLine(line.bytes, codec);
  // One that a newer version wrote is never dropped, also where a crash took its newline alone.
  if (decoded.kind === "newer") return decoded;
  if (!line.hasEnd) return bad("the last record has no end");
  if (decoded.kind === "bad") return decoded;
  const misplaced = codec.misplaced?.(decoded.value, before);
  return misplaced === undefined ? decoded : bad(misplaced);
}

type NotRead = Exclude<DecodedPayload<unknown>, { kind: "ok" }>;

function lookBehind<V>(
  buffer: Buffer,
  line: Line,
  problem: NotRead,
  codec: PayloadCodec<V>,
): Pick<ScannedLog<V>, "behind" | "tail" | "newer"> {
  const behind: V[] = [];
  let newer = problem.kind === "newer" ? problem : undefined;
  let good = 0;
  for (const { bytes, hasEnd } of linesOf(buffer, line.start + line.bytes.length + 1)) {
    const decoded = decodeLine(bytes, codec);
    if (decoded.kind === "newer") newer ??= decoded;
    if (decoded.kind === "bad" || !hasEnd) continue;
    good += 1;
    if (decoded.kind === "ok") behind.push(decoded.value);
  }
  return {
    behind,
    tail: tailOf(buffer.length - line.start, problem, good),
    ...(newer === undefined ? {} : { newer: { detail: newer.detail } }),
  };
}

/** Behind a newer line nothing is known: that it is clean means that nothing is to be cut. */
function tailOf(bytes: number, problem: NotRead, good: number): LogTail {
  if (problem.kind === "newer") return { kind: "clean" };
  return good === 0
    ? { kind: "torn", bytes, detail: problem.detail }
    : { kind: "damaged", bytes, detail: problem.detail, goodRecordsBehind: good };
}
