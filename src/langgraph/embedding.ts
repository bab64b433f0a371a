/** Texts of items as embeddings: all of a batch in one call of the program's own embeddings. */
import type { JsonObject } from "../model/json.js";
import { encodeVector } from "../items/ranking.js";
import { textsAtPath } from "../items/text-at-path.js";

/** What is needed of LangChain's `Embeddings`. */
export interface Embedder {
  embedDocuments(texts: string[]): Promise<number[][]>;
  embedQuery(text: string): Promise<number[]>;
}

/** As LangGraph's own stores take it. */
export interface StoreIndex {
  /** Length of an embedding. */
  readonly dims: number;
  readonly embeddings: Embedder;
  /** Paths of the texts that are embedded; `["$"]`, the whole value, unless said. */
  readonly fields?: readonly string[];
}

export interface ToEmbed {
  readonly value: JsonObject;
  /** Paths for this item alone; false for none. */
  readonly index?: false | readonly string[] | undefined;
}

type Vectors = Readonly<Record<string, string>>;

/** For each item its vectors by path; undefined where there is nothing to embed. */
export async function embed(
  items: readonly ToEmbed[],
  index: StoreIndex | undefined,
): Promise<(Vectors | undefined)[]> {
  if (index === undefined) return items.map(() => undefined);
  const texts = items.map((item) => textsOf(item, index));
  const all = [...new Set(texts.flatMap((byPath) => [...byPath.values()]))];
  if (all.length === 0) return items.map(() => undefined);
  const embedded = await index.embeddings.embedDocuments(all);
  const vectors = new Map(all.map((text, at) => [text, encodeVector(embedded[at] ?? [])]));
  return texts.map((byPath) =>
    byPath.size === 0
      ? undefined
      : Object.fromEntries([...byPath].map(([path, text]) => [path, vectors.get(text) ?? ""])),
  );
}

function textsOf({ value, index }: ToEmbed, { fields = ["$"] }: StoreIndex): Map<string, string> {
  const paths = index === false ? [] : (index ?? fields);
  const found = new Map<string, string>();
  for (const path of paths) {
    const texts = textsAtPath(value, path);
    for (const [at, text] of texts.entries()) found.set(texts.length === 1 ? path : `${path}.${at}`, text);
  }
  return found;
}
