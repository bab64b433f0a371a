/** A journal's bytes as its header and records, as far as they can be believed: up to the first line that is torn, damaged or newer. */
import { scanLog, type LogTail } from "./framing.js";
import { JOURNAL_CODEC, type JournalHeader, type JournalLine, type JournalRecord } from "./record.js";

export type JournalTail = LogTail;

export interface ScannedJournal {
  readonly header: JournalHeader | undefined;
  readonly records: readonly JournalRecord[];
  /** Where belief ends, in bytes from the start. */
  readonly validBytes: number;
  readonly tail: JournalTail;
  /** The highest revision in any good record, believed or not; 0 if there is none. */
  readonly lastRevision: number;
  /** A newer version wrote in it: it is neither used nor replaced. */
  readonly newer?: { readonly detail: string };
}

export function scanJournal(bytes: Uint8Array): ScannedJournal {
  const { values, behind, ...scanned } = scanLog(bytes, JOURNAL_CODEC);
  const [first] = values;
  const header = first?.kind === "header" ? first.header : undefined;
  const records = recordsOf(values);
  const lastRevision = recordsOf(behind).reduce(
    (highest, { revision }) => Math.max(highest, revision),
    records.at(-1)?.revision ?? 0,
  );
  return { header, records, ...scanned, lastRevision };
}

function recordsOf(lines: readonly JournalLine[]): JournalRecord[] {
  return lines.flatMap((line) => (line.kind === "record" ? [line.record] : []));
}
