/** What can be read of a namespace's damaged files: every item and change whose line is whole, the newest of each key. Pure. */
import { bufferOf, decodeLine, linesOf } from "../journal/framing.js";
import { applyChange, type StoredItem } from "./item.js";
import { ITEMS_CODEC, type ChangesRecord, type ItemsLine, type Labels } from "./record.js";
import type { ItemsFiles } from "./replay.js";

export interface SalvagedItems {
  /** As a file tells it; undefined where neither does. */
  readonly namespace: Labels | undefined;
  readonly items: Map<string, StoredItem>;
  /** Above every one that was used. */
  readonly revision: number;
  readonly lostLines: number;
  /** What a newer version wrote: it is not repaired. */
  readonly newer: string | undefined;
}

/** `isOwn`: a file whose header tells of another namespace gives nothing. */
export function salvageItems({ snapshot, journal }: ItemsFiles, isOwn: (namespace: Labels) => boolean): SalvagedItems {
  const [kept, changed] = [readLines(snapshot, isOwn), readLines(journal, isOwn)];
  const items = new Map<string, StoredItem>();
  const labels: Labels[] = [];
  let revision = 0;
  for (const line of [...kept.lines, ...changed.lines]) {
    if (line.kind === "snapshot" || line.kind === "journal") labels.push(line.namespace);
    if (line.kind === "snapshot" || line.kind === "changes") revision = Math.max(revision, line.revision);
    if (line.kind === "item") items.set(line.key, line.item);
    if (line.kind === "changes") applyNewer(items, line);
  }
  return {
    namespace: labels[0],
    items,
    revision: revision + 1,
    lostLines: kept.lost + changed.lost,
    newer: kept.newer ?? changed.newer,
  };
}

/** The snapshot may hold a change already, and a later one: what it has is told by its time. */
function applyNewer(items: Map<string, StoredItem>, { changes, at }: ChangesRecord): void {
  for (const change of changes) if (at >= (items.get(change.key)?.updatedAt ?? 0)) applyChange(items, change, at);
}

function readLines(
  bytes: Uint8Array | undefined,
  isOwn: (namespace: Labels) => boolean,
): {
  readonly lines: readonly ItemsLine[];
  readonly lost: number;
  readonly newer: string | undefined;
} {
  const lines: ItemsLine[] = [];
  let lost = 0;
  let newer: string | undefined;
  for (const line of linesOf(bufferOf(bytes ?? new Uint8Array()))) {
    const decoded = decodeLine(line.bytes, ITEMS_CODEC);
    if (decoded.kind === "ok") lines.push(decoded.value);
    else if (decoded.kind === "newer") newer ??= decoded.detail;
    else lost += 1;
  }
  const isForeign = lines.some((line) => "namespace" in line && !isOwn(line.namespace));
  return isForeign ? { lines: [], lost: lines.length + lost, newer } : { lines, lost, newer };
}
