/** Embeddings as they are stored, and items in the order of their likeness to a query. Pure. */
import type { StoredItem } from "./item.js";

export function encodeVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, number] of vector.entries()) bytes.writeFloatLE(number, at * 4);
  return bytes.toString("base64");
}

function decodeVector(base64: string): number[] {
  const bytes = Buffer.from(base64, "base64");
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(at * 4));
}

/** Undefined for an item that has no embedding of the query's length. */
export function scoreOf({ vectors = {} }: StoredItem, query: readonly number[]): number | undefined {
  const scores = Object.values(vectors)
    .map(decodeVector)
    .filter(({ length }) => length === query.length)
    .map((vector) => cosine(vector, query));
  return scores.length === 0 ? undefined : Math.max(...scores);
}

function cosine(left: readonly number[], right: readonly number[]): number {
  const lengths = Math.hypot(...left) * Math.hypot(...right);
  return lengths === 0 ? 0 : left.reduce((sum, number, at) => sum + number * (right[at] ?? 0), 0) / lengths;
}

/** The likest first; those without a score last, in the order in which they came. */
export function ranked<T extends { readonly score: number | undefined }>(items: readonly T[]): T[] {
  return [...items].sort((left, right) => (right.score ?? -Infinity) - (left.score ?? -Infinity) || 0);
}
