/**
 * The files of a thread's log → which of them tell it, and up to where. Each names the one it follows and how much of it
 * counts, so that a missing or shortened file is never taken for an earlier history. Pure.
 */
import { bufferOf, decodeLine, scanLog, type LinePlace, type LogTail } from "../journal/framing.js";
import { THREAD_CODEC, type ThreadHeader, type ThreadRecord } from "./record.js";

export interface SegmentLine {
  readonly record: ThreadRecord;
  readonly place: LinePlace;
}

export interface ScannedSegment {
  readonly number: number;
  readonly header: ThreadHeader | undefined;
  readonly lines: readonly SegmentLine[];
  /** Bytes of the header's line. */
  readonly headerBytes: number;
  readonly validBytes: number;
  readonly size: number;
  readonly tail: LogTail;
  /** Its writer closed it, whatever has become of it since: every line before the end was durable. */
  readonly wasEnded: boolean;
  readonly newer?: { readonly detail: string };
}

export interface SegmentProblem {
  readonly segment: number;
  readonly detail: string;
}

export type SegmentPlan =
  | { readonly kind: "absent" }
  | {
      readonly kind: "usable";
      /** The oldest first; of each, how many bytes count. */
      readonly segments: readonly { readonly scanned: ScannedSegment; readonly bytes: number }[];
      /** Numbers of those that a later one took the place of and that are still there, but for tombstones. */
      readonly replaced: readonly number[];
      /** The end of the last one that a crash cut off. */
      readonly torn: SegmentProblem | undefined;
    }
  | { readonly kind: "newer"; readonly problem: SegmentProblem }
  | { readonly kind: "damaged"; readonly problem: SegmentProblem };

export function scanSegment(number: number, bytes: Uint8Array): ScannedSegment {
  const lines: SegmentLine[] = [];
  let header: ThreadHeader | undefined;
  let headerBytes = 0;
  const scanned = scanLog(bytes, THREAD_CODEC, (value, place) => {
    if (value.kind === "header") {
      header = value.header;
      headerBytes = place.length;
    } else lines.push({ record: value, place });
  });
  const { validBytes, tail, newer } = scanned;
  return {
    number,
    header,
    lines,
    headerBytes,
    validBytes,
    size: bytes.length,
    tail,
    wasEnded: isEnded(bufferOf(bytes)),
    ...(newer === undefined ? {} : { newer }),
  };
}

/** A header alone: another took the place of its lines. No segment is written without any. */
export function isTombstone({ header, lines, tail }: ScannedSegment): boolean {
  return header !== undefined && lines.length === 0 && tail.kind === "clean";
}

const LINE_BEGINS = Buffer.from('{"crc":"', "latin1");

/** Whatever stands before its last line, its newline included, may be damaged. */
function isEnded(bytes: Buffer): boolean {
  const at = bytes.lastIndexOf(LINE_BEGINS);
  const last = at === -1 ? undefined : decodeLine(bytes.subarray(at, -1), THREAD_CODEC);
  return last?.kind === "ok" && last.value.kind === "end";
}

/** `threadId`: whose log it must be; undefined where the files are to say it. */
export function planSegments(found: readonly ScannedSegment[], threadId?: string): SegmentPlan {
  const sorted = [...found].sort((left, right) => right.number - left.number);
  const newer = sorted.find((segment) => segment.newer !== undefined);
  if (newer?.newer !== undefined) return { kind: "newer", problem: { segment: newer.number, ...newer.newer } };
  const [last] = sorted;
  if (last === undefined) return { kind: "absent" };
  const torn = tornEnd(last);
  if (torn === "damaged") return damaged(last.number, detailOf(last));
  if (isTombstone(last)) return damaged(last.number, "the segment that took its place is missing");
  const used = [{ scanned: last, bytes: bytesThatCount(last) }];
  for (let current = last; ;) {
    const problem = problemOfHeader(current, threadId ?? last.header?.threadId);
    if (problem !== undefined) return damaged(current.number, problem);
    const before = sorted.find(({ number }) => number < (current.header?.from ?? 0));
    const after = current.header?.after;
    if (after === undefined && before === undefined) break;
    const gap = gapBetween(before, after);
    if (gap !== undefined || before === undefined || after === undefined)
      return damaged(before?.number ?? current.number, gap ?? "it follows nothing");
    used.unshift({ scanned: before, bytes: after.bytes });
    current = before;
  }
  const numbers = new Set(used.map(({ scanned }) => scanned.number));
  const replaced = sorted.filter(
    (segment) => !numbers.has(segment.number) && !(isTombstone(segment) && numbers.has(segment.number - 1)),
  );
  return { kind: "usable", segments: used, replaced: replaced.map(({ number }) => number).reverse(), torn };
}

/** Not the line that says that it ended: what follows must not rely on it, since nothing syncs it. */
function bytesThatCount({ lines, validBytes }: ScannedSegment): number {
  const end = lines.at(-1);
  return end?.record.kind === "end" ? end.place.start : validBytes;
}

function damaged(segment: number, detail: string): SegmentPlan {
  return { kind: "damaged", problem: { segment, detail } };
}

/** What stands behind the last good line of the last file: nothing, what a crash left, or damage to what was closed well. */
function tornEnd(last: ScannedSegment): SegmentProblem | undefined | "damaged" {
  if (last.tail.kind === "clean") return undefined;
  if (last.header === undefined || last.wasEnded) return "damaged";
  return { segment: last.number, detail: last.tail.detail };
}

function detailOf({ tail }: ScannedSegment): string {
  return tail.kind === "clean" ? "it has no header" : tail.detail;
}

function problemOfHeader(
  { header, number, ...scanned }: ScannedSegment,
  threadId: string | undefined,
): string | undefined {
  if (header === undefined) return detailOf({ header, number, ...scanned });
  if (header.threadId !== threadId) return "it is the log of another thread";
  if (header.segment !== number || header.from > number) return "its header is of another file";
  return header.after !== undefined && header.after.segment >= header.from
    ? "its header names no earlier file"
    : undefined;
}

function gapBetween(before: ScannedSegment | undefined, after: ThreadHeader["after"]): string | undefined {
  if (after === undefined) return "a later file does not follow it";
  if (before?.number !== after.segment) return `segment ${after.segment} before it is missing`;
  return before.validBytes < after.bytes
    ? `${after.bytes} bytes of it were written, ${before.validBytes} can be read${before.tail.kind === "clean" ? "" : `: ${before.tail.detail}`}`
    : undefined;
}
