/**
 * Every disk that a power loss could leave behind after some operations: names and bytes that were not synced are
 * lost, kept, cut, torn or zero-filled, in any combination while there are few, one at a time when there are many.
 * A rename is one step: its target has the old entry or the new one. A new directory counts as durable at once.
 */
import type { DiskImage, DiskOperation, EntryOperation } from "./disk-image.js";
import { apply, applyEntry, contentOf, copyImage, directoryOf } from "./disk-image.js";

export interface CrashImage {
  readonly label: string;
  readonly image: DiskImage;
}

interface Pending {
  readonly durable: DiskImage;
  readonly entries: readonly EntryOperation[];
  /** Inode -> what was appended since its last sync, write by write. */
  readonly writes: ReadonlyMap<number, readonly Uint8Array[]>;
}

interface Variant {
  readonly label: string;
  readonly bytes: Uint8Array;
}

const EXHAUSTIVE_UP_TO = 6;
const MAX_CONTENT_CHOICES = 600;

export function* crashImages(base: DiskImage, operations: readonly DiskOperation[]): Generator<CrashImage> {
  const pending = pendingAfter(base, operations);
  const contents = contentChoices(pending);
  const seen = new Set<string>();
  for (const kept of entryChoices(pending.entries)) {
    for (const content of contents) {
      const image = copyImage(pending.durable);
      for (const operation of kept) applyEntry(image, operation);
      for (const [inode, variant] of content) image.contents.set(inode, Buffer.concat([contentOf(image, inode), variant.bytes]));
      const visible = fingerprint(image);
      if (seen.has(visible)) continue;
      seen.add(visible);
      yield { label: labelOf(pending.entries, kept, content), image };
    }
  }
}

function pendingAfter(base: DiskImage, operations: readonly DiskOperation[]): Pending {
  const durable = copyImage(base);
  const writes = new Map<number, Uint8Array[]>();
  let entries: EntryOperation[] = [];
  for (const operation of operations) {
    switch (operation.kind) {
      case "write":
        writes.set(operation.inode, [...(writes.get(operation.inode) ?? []), operation.bytes]);
        break;
      case "sync":
        for (const bytes of writes.get(operation.inode) ?? []) apply(durable, { kind: "write", inode: operation.inode, bytes });
        writes.delete(operation.inode);
        break;
      case "syncDirectory":
        for (const entry of entries) if (directoryOf(entry) === operation.path) applyEntry(durable, entry);
        entries = entries.filter((entry) => directoryOf(entry) !== operation.path);
        break;
      case "makeDirectory":
        apply(durable, operation);
        break;
      default:
        entries.push(operation);
    }
  }
  return { durable, entries, writes };
}

function entryChoices(entries: readonly EntryOperation[]): readonly (readonly EntryOperation[])[] {
  if (entries.length <= EXHAUSTIVE_UP_TO) {
    return Array.from({ length: 2 ** entries.length }, (_, mask) => entries.filter((_entry, bit) => (mask & (1 << bit)) !== 0));
  }
  const singleKept = entries.map((entry) => [entry]);
  const singleLost = entries.map((lost) => entries.filter((entry) => entry !== lost));
  const prefixes = entries.map((_, length) => entries.slice(0, length));
  return [[], entries, ...singleKept, ...singleLost, ...prefixes];
}

type ContentChoice = ReadonlyMap<number, Variant>;

function contentChoices({ writes }: Pending): readonly ContentChoice[] {
  const files = [...writes].map(([inode, parts]) => ({ inode, variants: variantsOf(parts) }));
  const all = files.reduce((count, { variants }) => count * variants.length, 1);
  if (all <= MAX_CONTENT_CHOICES) {
    return files.reduce<Map<number, Variant>[]>(
      (choices, { inode, variants }) => choices.flatMap((choice) => variants.map((variant) => new Map([...choice, [inode, variant]]))),
      [new Map()],
    );
  }
  const kept = new Map([...writes].map(([inode, parts]) => [inode, { label: "kept", bytes: Buffer.concat(parts) }]));
  const others = files.flatMap(({ inode, variants }) => variants.flatMap((variant) => [new Map([[inode, variant]]), new Map([...kept, [inode, variant]])]));
  return [new Map(), kept, ...others];
}

/** What may be there of bytes that were written and not synced. */
function variantsOf(parts: readonly Uint8Array[]): readonly Variant[] {
  const whole = Buffer.concat(parts);
  const half = whole.length >> 1;
  const cut = (length: number): Variant => ({ label: `cut at ${length}`, bytes: whole.subarray(0, length) });
  const zeros = Buffer.alloc(whole.length);
  const boundary = parts[0]?.length ?? 0;
  const variants: Variant[] = [
    { label: "lost", bytes: whole.subarray(0, 0) },
    { label: "kept", bytes: whole },
    ...[1, boundary, half, whole.length - 1].filter((length) => length > 0 && length < whole.length).map(cut),
    { label: "zero-filled", bytes: zeros },
    { label: "torn", bytes: Buffer.concat([whole.subarray(0, half), zeros.subarray(half)]) },
    { label: "torn at its start", bytes: Buffer.concat([zeros.subarray(0, half), whole.subarray(half)]) },
  ];
  return [...new Map(variants.map((variant) => [Buffer.from(variant.bytes).toString("latin1"), variant])).values()];
}

function fingerprint(image: DiskImage): string {
  const files = [...image.entries].map(([path, inode]) => [path, inode, Buffer.from(contentOf(image, inode)).toString("latin1")]);
  return JSON.stringify(files.sort());
}

function labelOf(entries: readonly EntryOperation[], kept: readonly EntryOperation[], content: ContentChoice): string {
  const names = entries.map((entry) => `${kept.includes(entry) ? "kept" : "lost"}: ${entry.kind} ${entry.path}`);
  const bytes = [...content].map(([inode, variant]) => `inode ${inode} ${variant.label}`);
  return [...names, ...bytes].join("; ") || "all durable";
}
