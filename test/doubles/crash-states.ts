/**
 * Every disk that a power loss could leave behind after some operations: names, directories and bytes that were not
 * synced are lost, kept, cut, torn or zero-filled. A journaled file system keeps the order of names: each prefix of them
 * is tried. Others do not: any combination is, per directory where there are too many for all. A rename is one step.
 */
import { CrashImage, CrashNames, type ContentChoice, type Variant } from "./crash-image.js";
import type { DiskImage, DiskOperation, EntryOperation } from "./disk-image.js";
import { apply, applyEntry, contentOf, copyImage, directoryOf } from "./disk-image.js";

export type { CrashImage } from "./crash-image.js";

type EntryChoice = readonly EntryOperation[];

const EXHAUSTIVE_UP_TO = 6;
const MAX_ENTRY_CHOICES = 300;
const MAX_CONTENT_CHOICES = 100;

/** A disk with what is durable on it and what is not yet, operation by operation. */
export class PendingDisk {
  /** Replaced, never changed: images that were given out are made from it when they are looked at. */
  #durable: DiskImage;
  readonly #writes = new Map<number, readonly Uint8Array[]>();
  #entries: EntryOperation[] = [];
  #locksChanged = false;
  readonly #variants = new WeakMap<readonly Uint8Array[], readonly Variant[]>();

  constructor(base: DiskImage) {
    this.#durable = copyImage(base);
  }

  push(operation: DiskOperation): void {
    switch (operation.kind) {
      case "write":
        this.#writes.set(operation.inode, [...(this.#writes.get(operation.inode) ?? []), operation.bytes]);
        break;
      case "sync":
        this.#durable = copyImage(this.#durable);
        for (const bytes of this.#writes.get(operation.inode) ?? [])
          apply(this.#durable, { kind: "write", inode: operation.inode, bytes });
        this.#writes.delete(operation.inode);
        break;
      case "syncDirectory":
        this.#durable = copyImage(this.#durable);
        for (const entry of this.#entries) if (directoryOf(entry) === operation.path) applyEntry(this.#durable, entry);
        this.#entries = this.#entries.filter((entry) => directoryOf(entry) !== operation.path);
        break;
      default:
        this.#entries.push(operation);
    }
    this.#locksChanged = "path" in operation && operation.path.includes("/locks/");
  }

  /** Whether the sync would make anything durable that is not. */
  isNeededNow(operation: DiskOperation): boolean {
    if (operation.kind === "sync") return this.#writes.has(operation.inode);
    return operation.kind !== "syncDirectory" || this.#entries.some((entry) => directoryOf(entry) === operation.path);
  }

  images(): Generator<CrashImage> {
    return this.#imagesOf(entryChoices(this.#entries, this.#locksChanged));
  }

  /** Nothing kept that was not synced, and everything. */
  *extremes(): Generator<CrashImage> {
    for (const [choice, wanted] of [
      [[], "lost"],
      [this.#entries, "kept"],
    ] as const) {
      for (const crash of this.#imagesOf([choice], wanted)) yield crash;
    }
  }

  *#imagesOf(choices: readonly EntryChoice[], only?: string): Generator<CrashImage> {
    const [seenNames, seen] = [new Set<string>(), new Set<string>()];
    const entries = this.#entries;
    for (const kept of distinct(choices, entries)) {
      const names = new CrashNames(this.#durable, entries, kept);
      if (seenNames.has(names.key)) continue;
      seenNames.add(names.key);
      for (const content of this.#contentChoices(names, only)) {
        const crash = new CrashImage(names, content);
        if (seen.has(crash.fingerprint)) continue;
        seen.add(crash.fingerprint);
        yield crash;
      }
    }
  }

  /** Only for files that a name leads to: the others are not there for anyone. */
  #contentChoices(names: CrashNames, only: string | undefined): readonly ContentChoice[] {
    const files = [...this.#writes]
      .filter(([inode]) => names.has(inode))
      .map(([inode, parts]) => ({
        inode,
        variants: this.#variantsOf(inode, parts).filter(({ label }) => only === undefined || label === only),
      }));
    const all = files.reduce((count, { variants }) => count * variants.length, 1);
    if (all <= MAX_CONTENT_CHOICES) return allContents(files);
    const [lost, kept] = ["lost", "kept"].map(
      (label) =>
        new Map(
          files.flatMap(({ inode, variants }) =>
            variants.filter((variant) => variant.label === label).map((variant) => [inode, variant] as const),
          ),
        ),
    );
    const one = files.flatMap(({ inode, variants }) =>
      variants.flatMap((variant) => [
        new Map([...(lost ?? []), [inode, variant]]),
        new Map([...(kept ?? []), [inode, variant]]),
      ]),
    );
    return [lost ?? new Map(), kept ?? new Map(), ...one];
  }

  #variantsOf(inode: number, parts: readonly Uint8Array[]): readonly Variant[] {
    const known = this.#variants.get(parts) ?? variantsOf(contentOf(this.#durable, inode), parts);
    this.#variants.set(parts, known);
    return known;
  }
}

export function* crashImages(base: DiskImage, operations: readonly DiskOperation[]): Generator<CrashImage> {
  const disk = new PendingDisk(base);
  for (const operation of operations) disk.push(operation);
  yield* disk.images();
}

function allContents(
  files: readonly { readonly inode: number; readonly variants: readonly Variant[] }[],
): readonly ContentChoice[] {
  return files.reduce<Map<number, Variant>[]>(
    (choices, { inode, variants }) =>
      choices.flatMap((choice) => variants.map((variant) => new Map([...choice, [inode, variant]]))),
    [new Map()],
  );
}

/** Locks stand for themselves: they are tried in every combination when they change, beside all of the rest or nothing. */
function entryChoices(entries: readonly EntryOperation[], locksChanged: boolean): readonly EntryChoice[] {
  const ordered = entries.map((_, length) => entries.slice(0, length));
  const [locks, others] = [true, false].map((wanted) =>
    entries.filter((entry) => isOfLocks(entry) === wanted),
  ) as unknown as readonly [EntryChoice, EntryChoice];
  const someLocks = locksChanged ? product(locks) : [[], locks];
  const inOrder = (choice: EntryChoice): EntryChoice => entries.filter((entry) => choice.includes(entry));
  const othersApart = product(others).flatMap((choice) => [[...locks, ...choice], choice]);
  const locksApart = someLocks.flatMap((choice) => [choice, [...choice, ...others]]);
  return [[], entries, ...othersApart.map(inOrder), ...ordered, ...locksApart.map(inOrder)];
}

function isOfLocks(entry: EntryOperation): boolean {
  return directoryOf(entry).endsWith("/locks");
}

/** Each choice once: the ways to choose overlap. */
function distinct(choices: readonly EntryChoice[], entries: readonly EntryOperation[]): readonly EntryChoice[] {
  const bits = new Map(entries.map((entry, bit) => [entry, 1n << BigInt(bit)]));
  const maskOf = (choice: EntryChoice): bigint => choice.reduce((mask, entry) => mask | (bits.get(entry) ?? 0n), 0n);
  return [...new Map(choices.map((choice) => [maskOf(choice), choice])).values()];
}

/** Any combination, or any within one directory while all of the others is kept or lost. */
function product(entries: EntryChoice): readonly EntryChoice[] {
  const whole = byDirectory(entries);
  const groups = whole.map(choicesWithin);
  const all = groups.reduce((count, group) => count * group.length, 1);
  if (all <= MAX_ENTRY_CHOICES)
    return groups.reduce<EntryChoice[]>(
      (choices, group) => choices.flatMap((choice) => group.map((next) => [...choice, ...next])),
      [[]],
    );
  return groups.flatMap((group, index) =>
    group.flatMap((choice) => [choice, [...whole.filter((_, other) => other !== index).flat(), ...choice]]),
  );
}

function byDirectory(entries: readonly EntryOperation[]): readonly EntryChoice[] {
  const directories = [...new Set(entries.map(directoryOf))];
  return directories.map((directory) => entries.filter((entry) => directoryOf(entry) === directory));
}

function choicesWithin(entries: readonly EntryOperation[]): readonly EntryChoice[] {
  if (entries.length <= EXHAUSTIVE_UP_TO) {
    return Array.from({ length: 2 ** entries.length }, (_, mask) =>
      entries.filter((_entry, bit) => (mask & (1 << bit)) !== 0),
    );
  }
  const singleKept = entries.map((entry) => [entry]);
  const singleLost = entries.map((lost) => entries.filter((entry) => entry !== lost));
  const prefixes = entries.map((_, length) => entries.slice(0, length));
  return [[], entries, ...singleKept, ...singleLost, ...prefixes];
}

/** What may be in a file of which some bytes were written and not synced. */
function variantsOf(durable: Uint8Array, parts: readonly Uint8Array[]): readonly Variant[] {
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
  const distinct = [
    ...new Map(variants.map((variant) => [Buffer.from(variant.bytes).toString("latin1"), variant])).values(),
  ];
  return distinct.map(({ label, bytes }) => ({ label, bytes: Buffer.concat([durable, bytes]) }));
}
