/**
 * What is on a disk, and the operations that change it, as data. Entries (names) and contents (inodes) are apart,
 * because a crash can keep either without the other. Everything here is pure but for the image handed in.
 */
import { dirname } from "node:path";

export interface DiskImage {
  readonly directories: Set<string>;
  /** Path of a file -> its inode. */
  readonly entries: Map<string, number>;
  readonly contents: Map<number, Uint8Array>;
}

export type EntryOperation =
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "link"; readonly path: string; readonly inode: number }
  | { readonly kind: "rename"; readonly from: string; readonly path: string; readonly inode: number }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "makeDirectory"; readonly path: string };

export type DiskOperation =
  | EntryOperation
  | { readonly kind: "write"; readonly inode: number; readonly bytes: Uint8Array }
  | { readonly kind: "sync"; readonly inode: number }
  | { readonly kind: "syncDirectory"; readonly path: string };

const NOTHING = new Uint8Array(0);

export function emptyImage(): DiskImage {
  return { directories: new Set(["/"]), entries: new Map(), contents: new Map() };
}

export function copyImage(image: DiskImage): DiskImage {
  return {
    directories: new Set(image.directories),
    entries: new Map(image.entries),
    contents: new Map(image.contents),
  };
}

export function contentOf(image: DiskImage, inode: number): Uint8Array {
  return image.contents.get(inode) ?? NOTHING;
}

/** An entry operation applied to names alone, whether or not its directory is there; it needs none of the operations before it, as on a disk that reorders. */
export function applyEntry(image: DiskImage, operation: EntryOperation): void {
  if (operation.kind === "unlink") {
    image.entries.delete(operation.path);
    return;
  }
  if (operation.kind === "makeDirectory") {
    image.directories.add(operation.path);
    return;
  }
  image.entries.set(operation.path, operation.inode);
  if (operation.kind === "rename") image.entries.delete(operation.from);
}

export function isEntryOperation(operation: DiskOperation): operation is EntryOperation {
  return operation.kind !== "write" && operation.kind !== "sync" && operation.kind !== "syncDirectory";
}

/** The directory whose sync makes the operation durable: a rename belongs, undivided, to its target's. */
export function directoryOf(operation: EntryOperation): string {
  return dirname(operation.path);
}

export function apply(image: DiskImage, operation: DiskOperation): void {
  switch (operation.kind) {
    case "write":
      image.contents.set(operation.inode, Buffer.concat([contentOf(image, operation.inode), operation.bytes]));
      return;
    case "sync":
    case "syncDirectory":
      return;
    default:
      applyEntry(image, operation);
  }
}

/** A directory that was lost takes with it whatever was made in it. */
export function loseUnreachable(image: DiskImage): void {
  for (const path of [...image.directories].sort())
    if (path !== "/" && !image.directories.has(dirname(path))) image.directories.delete(path);
  for (const path of [...image.entries.keys()]) if (!image.directories.has(dirname(path))) image.entries.delete(path);
}
