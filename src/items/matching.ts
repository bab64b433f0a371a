/** Which namespaces a listing or search is for. Pure. */
import { DraftstateError } from "../errors.js";
import type { Labels } from "./record.js";

export interface NamespaceCondition {
  readonly matchType: "prefix" | "suffix";
  /** A `*` stands for any one label. */
  readonly path: readonly string[];
}

export function beginsWith(namespace: Labels, prefix: Labels): boolean {
  return prefix.every((label, at) => namespace[at] === label);
}

/** Throws `USAGE` for a condition of another kind. */
export function meets(namespace: Labels, { matchType, path }: NamespaceCondition): boolean {
  if (!["prefix", "suffix"].includes(matchType))
    throw new DraftstateError("USAGE", `matchType ${JSON.stringify(matchType)}: use "prefix" or "suffix"`);
  const from = matchType === "prefix" ? 0 : namespace.length - path.length;
  return (
    from >= 0 &&
    path.every((label, at) => (label === "*" ? from + at < namespace.length : namespace[from + at] === label))
  );
}

/** Cut to the depth, each once, in order. */
export function listed(namespaces: readonly Labels[], maxDepth = Infinity): string[][] {
  const cut = new Map(
    namespaces.map((labels) => labels.slice(0, maxDepth)).map((labels) => [labels.join("\0"), labels]),
  );
  return [...cut]
    .sort(([left], [right]) => (left < right ? -1 : Number(left > right)))
    .map(([, labels]) => [...labels]);
}
