/**
 * One disk that a power loss could leave: which names were kept, and what the files hold. There are thousands of them and
 * few are looked at, so an image and its label are made when they are asked for, and told apart without being made.
 */
import { createHash } from "node:crypto";
import type { DiskImage, EntryOperation } from "./disk-image.js";
import { applyEntry, contentOf, copyImage, loseUnreachable } from "./disk-image.js";

export interface Variant {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** What each file of which some bytes were not synced holds. */
export type ContentChoice = ReadonlyMap<number, Variant>;

/** The names that are left when some of the pending changes of names were kept. */
export class CrashNames {
  readonly image: DiskImage;
  readonly inodes: readonly number[];
  /** The same for the same names of the same files. */
  readonly key: string;
  readonly #names: string;
  readonly #reachable: ReadonlySet<number>;

  /** `durable` is not changed, neither here nor later. */
  constructor(
    durable: DiskImage,
    private readonly pending: readonly EntryOperation[],
    private readonly kept: readonly EntryOperation[],
  ) {
    this.image = {
      directories: new Set(durable.directories),
      entries: new Map(durable.entries),
      contents: durable.contents,
    };
    for (const operation of kept) applyEntry(this.image, operation);
    if (pending.some((operation) => operation.kind === "makeDirectory" && !kept.includes(operation)))
      loseUnreachable(this.image);
    const entries = [...this.image.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    const paths = entries.map(([path]) => path);
    this.#names = [...[...this.image.directories].sort(), "", ...paths].join("\n");
    this.inodes = entries.map(([, inode]) => inode);
    this.#reachable = new Set(this.inodes);
    this.key = `${this.#names}\n${this.inodes.join()}`;
  }

  has(inode: number): boolean {
    return this.#reachable.has(inode);
  }

  #digest: string | undefined;

  get digest(): string {
    return (this.#digest ??= sha1(this.#names));
  }

  label(): readonly string[] {
    return this.pending.map((entry) => `${this.kept.includes(entry) ? "kept" : "lost"}: ${entry.kind} ${entry.path}`);
  }
}

export class CrashImage {
  /** The same for disks on which a reader finds the same. */
  readonly fingerprint: string;

  constructor(
    private readonly names: CrashNames,
    private readonly content: ContentChoice,
  ) {
    const bytes = (inode: number): Uint8Array => content.get(inode)?.bytes ?? contentOf(names.image, inode);
    this.fingerprint = `${names.digest} ${names.inodes.map((inode) => contentNumber(bytes(inode))).join()}`;
  }

  get image(): DiskImage {
    const image = copyImage(this.names.image);
    for (const [inode, variant] of this.content) image.contents.set(inode, variant.bytes);
    return image;
  }

  /** What was lost and what was kept. */
  get label(): string {
    const bytes = [...this.content].map(([inode, variant]) => `inode ${inode} ${variant.label}`);
    return [...this.names.label(), ...bytes].join("; ") || "all durable";
  }
}

const numbers = new WeakMap<Uint8Array, number>();
const numberOfDigest = new Map<string, number>();

/** Another number for other bytes. Contents are never changed in place: each is digested once. */
function contentNumber(bytes: Uint8Array): number {
  const known = numbers.get(bytes);
  if (known !== undefined) return known;
  const digest = sha1(bytes);
  const number = numberOfDigest.get(digest) ?? numberOfDigest.size;
  numberOfDigest.set(digest, number);
  numbers.set(bytes, number);
  return number;
}

function sha1(content: string | Uint8Array): string {
  return createHash("sha1").update(content).digest("base64");
}
