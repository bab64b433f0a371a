/** Every file of a store with its content, locks and empty directories left out: what a test compares before and after. */
import { readFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { filesBelow } from "./seam.js";

export function contentsOf(directory: string): Record<string, string> {
  const paths = filesBelow(directory)
    .filter((path) => !path.includes(`${sep}locks${sep}`))
    .sort();
  return Object.fromEntries(paths.map((path) => [relative(directory, path), readFileSync(path, "latin1")]));
}
