/** What the system tells of a path, in the words of the `FileSystem` contract. */
import type { BigIntStats } from "node:fs";
import { DraftstateError } from "../../errors.js";
import type { FileKind, FileStat } from "../file-system.js";

export function kindOf(stat: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileKind {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  return stat.isSymbolicLink() ? "link" : "other";
}

export function statOf(found: BigIntStats): FileStat {
  const inode = `${found.dev}:${found.ino}`;
  const identity = `${inode}:${found.size}:${found.mtimeNs}`;
  return {
    kind: kindOf(found),
    size: Number(found.size),
    modifiedAt: found.mtime,
    inode,
    identity,
    version: `${identity}:${found.ctimeNs}`,
  };
}

export function refuse(path: string, kind: FileKind): DraftstateError {
  return new DraftstateError("CORRUPT", `${path} is not a regular file (${kind}): move it away`, { path });
}
