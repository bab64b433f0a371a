/** Which of many keywords occur in a text, in one pass over it. */
interface Node {
  readonly next: (Node | undefined)[];
  keyword?: string;
}

/** Keywords are ASCII, as their texts are searched: in lower case. */
const ASCII = 128;

function emptyNode(): Node {
  return { next: Array.from<Node | undefined>({ length: ASCII }) };
}

export class Keywords {
  readonly #root = emptyNode();

  constructor(keywords: Iterable<string>) {
    for (const keyword of keywords) this.#add(keyword);
  }

  in(text: string): ReadonlySet<string> {
    const found = new Set<string>();
    for (let start = 0; start < text.length; start += 1) this.#at(text, start, found);
    return found;
  }

  #add(keyword: string): void {
    let node = this.#root;
    for (let index = 0; index < keyword.length; index += 1) node = node.next[keyword.charCodeAt(index)] ??= emptyNode();
    node.keyword = keyword;
  }

  #at(text: string, start: number, found: Set<string>): void {
    let node: Node | undefined = this.#root;
    for (let index = start; index < text.length && node !== undefined; index += 1) {
      const code = text.charCodeAt(index);
      node = code < ASCII ? node.next[code] : undefined;
      if (node?.keyword !== undefined) found.add(node.keyword);
    }
  }
}

/** In lower case, with each character where it was: the one that would become two stays. */
export function toLowerCase(text: string): string {
  return text.replaceAll("İ", "I").toLowerCase();
}
