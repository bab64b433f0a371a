/** Whether two directories are one, or would be when they are made: links and `..` followed as far as there is anything. */
import { dirname, join, resolve, sep } from "node:path";
import { linkTargetOf, realPathOf } from "./fs/paths.js";

const MAX_LINKS = 16;

/** Links followed as far as there is anything. */
export function realDirectory(path: string, depth = 0): string {
  const absolute = resolve(path);
  const found = realPathOf(absolute);
  if (found !== undefined || dirname(absolute) === absolute) return found ?? absolute;
  // A link whose target is away, such as a disk that is not mounted, still says where that is.
  const target = linkTargetOf(absolute);
  if (target !== undefined && depth < MAX_LINKS) return realDirectory(resolve(dirname(absolute), target), depth + 1);
  return join(realDirectory(dirname(absolute)), absolute.slice(dirname(absolute).length));
}

export function isSameDirectory(left: string, right: string): boolean {
  return realDirectory(left) === realDirectory(right);
}

export function isWithin(directory: string, parent: string): boolean {
  return `${realDirectory(directory)}${sep}`.startsWith(`${realDirectory(parent)}${sep}`);
}
