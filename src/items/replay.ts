/**
 * The bytes of a namespace's two files → its items, or why they cannot be had. The journal is read before the snapshot: what a
 * newer snapshot holds already is skipped, what it lacks must follow without a gap. Pure.
 */
import { continuityOf } from "../journal/continuity.js";
import { bufferOf, decodeLine, scanLog, type ScannedLog } from "../journal/framing.js";
import { applyChange, type StoredItem } from "./item.js";
import { ITEMS_CODEC, type ChangesRecord, type ItemsLine, type Labels, type SnapshotHeader } from "./record.js";

export interface ItemsFiles {
  readonly snapshot: Uint8Array | undefined;
  readonly journal: Uint8Array | undefined;
}

export interface ItemsProblem {
  readonly file: keyof ItemsFiles;
  readonly detail: string;
}

export interface UsableItems {
  readonly kind: "usable";
  readonly namespace: Labels;
  readonly items: Map<string, StoredItem>;
  readonly revision: number;
  readonly snapshotRevision: number;
  readonly snapshotBytes: number;
  /** Lines of the journal that the snapshot does not hold. */
  readonly tail: Uint8Array;
  /** The end of the journal that a crash cut off. */
  readonly torn: string | undefined;
}

export type ReplayedItems =
  | { readonly kind: "absent" }
  | UsableItems
  | { readonly kind: "newer"; readonly problem: ItemsProblem }
  | { readonly kind: "damaged"; readonly problem: ItemsProblem };

/** `namespace`: whose files they must be; undefined where they are to say it. */
export function replayItems({ snapshot, journal }: ItemsFiles, namespace?: Labels): ReplayedItems {
  if (snapshot === undefined && journal === undefined) return { kind: "absent" };
  const base = snapshot === undefined ? undefined : readSnapshot(snapshot);
  if (base !== undefined && "problem" in base) return base;
  const labels = namespace ?? base?.header.namespace;
  if (base !== undefined && !isSame(base.header.namespace, labels)) return damaged("snapshot", OTHER);
  const start: UsableItems = {
    kind: "usable",
    namespace: labels ?? [],
    items: base?.items ?? new Map<string, StoredItem>(),
    revision: base?.header.revision ?? 0,
    snapshotRevision: base?.header.revision ?? 0,
    snapshotBytes: snapshot?.length ?? 0,
    tail: new Uint8Array(),
    torn: undefined,
  };
  return journal === undefined ? start : withJournal(start, journal, labels);
}

const OTHER = "it is of another namespace";

type Problem = Extract<ReplayedItems, { readonly problem: ItemsProblem }>;

function damaged(file: keyof ItemsFiles, detail: string): Problem {
  return { kind: "damaged", problem: { file, detail } };
}

function isSame(left: Labels, right: Labels | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** It is replaced as a whole, so nothing of it may be missing. */
function readSnapshot(
  bytes: Uint8Array,
): Problem | { readonly header: SnapshotHeader; readonly items: Map<string, StoredItem> } {
  const { values, tail, newer } = scanLog(bytes, ITEMS_CODEC);
  if (newer !== undefined) return { kind: "newer", problem: { file: "snapshot", ...newer } };
  const [header] = values;
  if (tail.kind !== "clean") return damaged("snapshot", tail.detail);
  if (header?.kind !== "snapshot") return damaged("snapshot", "it has no header");
  const items = new Map<string, StoredItem>();
  for (const line of values) if (line.kind === "item") items.set(line.key, line.item);
  return items.size === header.count
    ? { header, items }
    : damaged("snapshot", `it holds ${items.size} of ${header.count} items`);
}

function withJournal(start: UsableItems, bytes: Uint8Array, namespace: Labels | undefined): ReplayedItems {
  const places: { readonly record: ChangesRecord; readonly start: number; readonly end: number }[] = [];
  const scanned = scanLog(bytes, ITEMS_CODEC, (record, place) => {
    if (record.kind === "changes") places.push({ record, start: place.start, end: place.start + place.length });
  });
  if (scanned.newer !== undefined) return { kind: "newer", problem: { file: "journal", ...scanned.newer } };
  const [header] = scanned.values;
  if (header?.kind !== "journal") return damaged("journal", headless(scanned));
  if (!isSame(header.namespace, namespace ?? header.namespace)) return damaged("journal", OTHER);
  if (header.base > start.revision)
    return damaged("snapshot", `the journal follows revision ${header.base}, it has ${start.revision}`);
  if (scanned.tail.kind !== "clean" && wasEnded(bytes)) return damaged("journal", scanned.tail.detail);
  let { revision } = start;
  let from = scanned.validBytes;
  for (const { record, ...place } of places) {
    const stands = continuityOf(revision, { from: record.revision, revision: record.revision });
    if (stands === "held") continue;
    if (stands === "gap") return damaged("journal", `revision ${record.revision} follows ${revision}`);
    from = Math.min(from, place.start);
    for (const change of record.changes) applyChange(start.items, change, record.at);
    revision = record.revision;
  }
  return {
    ...start,
    namespace: header.namespace,
    revision,
    tail: bytes.slice(from, places.at(-1)?.end ?? from),
    torn: scanned.tail.kind === "clean" ? undefined : scanned.tail.detail,
  };
}

function headless({ tail }: ScannedLog<ItemsLine>): string {
  return tail.kind === "clean" ? "it has no header" : tail.detail;
}

const LINE_BEGINS = Buffer.from('{"crc":"', "latin1");

/** Its writer closed it, whatever has become of what stands before its last line. */
function wasEnded(bytes: Uint8Array): boolean {
  const buffer = bufferOf(bytes);
  const at = buffer.lastIndexOf(LINE_BEGINS);
  const last = at === -1 ? undefined : decodeLine(buffer.subarray(at, -1), ITEMS_CODEC);
  return last?.kind === "ok" && last.value.kind === "end";
}
