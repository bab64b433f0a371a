/** What a path that a person gave leads to. */
import { readlinkSync, realpath as realpathLater, realpathSync, statSync } from "node:fs";
import { promisify } from "node:util";

const realpath = promisify(realpathLater.native);

/** Where a path that a person gave leads, links followed; rejects with ENOENT where it leads nowhere. */
export function followLinks(path: string): Promise<string> {
  return realpath(path);
}

/** At once, links followed, and cheaper than an open that fails. */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

export interface Attributes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly isFile: boolean;
  /** Neither a file nor a directory. */
  readonly isOther: boolean;
  /** Names of the file. */
  readonly links: number;
}

/** Links followed; undefined where there is nothing that we may see. */
export function attributesOf(path: string): Attributes | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const { uid, gid, mode, nlink: links } = found;
    const isFile = found.isFile();
    return { uid, gid, mode, links, isFile, isOther: !isFile && !found.isDirectory() };
  } catch {
    return undefined;
  }
}

/** Undefined where there is nothing, or nothing that we may see. */
export function linkTargetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

export function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
