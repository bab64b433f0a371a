/** Whether two directories are one, or would be when they are made: links and `..` followed as far as there is anything. */
import { dirname, join, resolve, sep } from "node:path";
import { realPathOf } from "./fs.js";

/** Links followed as far as there is anything. */
export function realDirectory(path: string): string {
  const absolute = resolve(path);
  const found = realPathOf(absolute);
  if (found !== undefined || dirname(absolute) === absolute) return found ?? absolute;
  return join(realDirectory(dirname(absolute)), absolute.slice(dirname(absolute).length));
}

export function isSameDirectory(left: string, right: string): boolean {
  return realDirectory(left) === realDirectory(right);
}

export function isWithin(directory: string, parent: string): boolean {
  return `${realDirectory(directory)}${sep}`.startsWith(`${realDirectory(parent)}${sep}`);
}
