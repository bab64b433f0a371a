/**
 * A journal's bytes as records, as far as they can be believed: up to the first line that is torn or damaged.
 * Looks behind that line only to tell the two apart, never to use what stands there.
 */
import { decodeLine, type JournalHeader, type JournalRecord } from "./record.js";

export type JournalTail =
  | { readonly kind: "clean" }
  /** Ends within a record, as a crash leaves it; nothing good follows. */
  | { readonly kind: "torn"; readonly bytes: number; readonly detail: string }
  /** Good records stand behind the bad one, so it was written whole once. */
  | { readonly kind: "damaged"; readonly bytes: number; readonly detail: string; readonly goodRecordsBehind: number };

export interface ScannedJournal {
  readonly header: JournalHeader | undefined;
  readonly records: readonly JournalRecord[];
  /** Where belief ends, in bytes from the start. */
  readonly validBytes: number;
  readonly tail: JournalTail;
  /** The highest revision in any good record, believed or not; 0 where there is none. */
  readonly lastRevision: number;
}

const NEWLINE = 0x0a;

export function scanJournal(bytes: Uint8Array): ScannedJournal {
  const { revisionBehind = 0, ...scanned } = scanLines(bytes);
  return { ...scanned, lastRevision: Math.max(scanned.records.at(-1)?.revision ?? 0, revisionBehind) };
}

type ScannedLines = Omit<ScannedJournal, "lastRevision"> & { revisionBehind?: number };

function scanLines(bytes: Uint8Array): ScannedLines {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: JournalRecord[] = [];
  let header: JournalHeader | undefined;
  let position = 0;
  while (position < buffer.length) {
    const end = buffer.indexOf(NEWLINE, position);
    if (end === -1) return { header, records, validBytes: position, tail: { kind: "torn", bytes: buffer.length - position, detail: "the last record has no end" } };
    const line = decodeLine(buffer.subarray(position, end));
    const problem = problemOf(line.kind, line.kind === "bad" ? line.detail : "", position, header);
    if (problem !== undefined) return { header, records, validBytes: position, ...tailFrom(buffer, position, end, problem) };
    if (line.kind === "header") header = line.header;
    if (line.kind === "record") records.push(line.record);
    position = end + 1;
  }
  return { header, records, validBytes: position, tail: { kind: "clean" } };
}

function problemOf(kind: "header" | "record" | "bad", detail: string, position: number, header: JournalHeader | undefined): string | undefined {
  if (kind === "bad") return detail;
  if (kind === "header" && position > 0) return "a second header";
  return kind === "record" && header === undefined ? "a record without a header" : undefined;
}

function tailFrom(buffer: Buffer, start: number, badEnd: number, detail: string): Pick<ScannedLines, "tail" | "revisionBehind"> {
  const bytes = buffer.length - start;
  const { good, revision } = lookBehind(buffer, badEnd + 1);
  const tail: JournalTail = good === 0 ? { kind: "torn", bytes, detail } : { kind: "damaged", bytes, detail, goodRecordsBehind: good };
  return { tail, revisionBehind: revision };
}

function lookBehind(buffer: Buffer, start: number): { readonly good: number; readonly revision: number } {
  let [good, revision] = [0, 0];
  for (let position = start; position < buffer.length; ) {
    const end = buffer.indexOf(NEWLINE, position);
    if (end === -1) break;
    const line = decodeLine(buffer.subarray(position, end));
    if (line.kind !== "bad") good += 1;
    if (line.kind === "record") revision = Math.max(revision, line.record.revision);
    position = end + 1;
  }
  return { good, revision };
}
