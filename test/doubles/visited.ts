/** How much of long lists an act walks through, counted: what is linear or quadratic shows without a clock. */

const WALKS = [
  "indexOf",
  "includes",
  "find",
  "findIndex",
  "findLast",
  "filter",
  "map",
  "flatMap",
  "some",
  "every",
  "reduce",
  "slice",
  "forEach",
] as const;

/** Lists shorter than this are not counted: the test runner has its own. */
const LONG = 500;

/** Entries of long lists that were, or could have been, looked at. */
export async function entriesVisited(act: () => unknown): Promise<number> {
  let visited = 0;
  const restore: (() => void)[] = [];
  for (const name of [...WALKS, Symbol.iterator] as const) {
    const own = Object.getOwnPropertyDescriptor(Array.prototype, name) as PropertyDescriptor;
    const walk = own.value as (this: unknown[], ...given: unknown[]) => unknown;
    const counting = function (this: unknown[], ...given: unknown[]): unknown {
      if (this.length >= LONG) visited += this.length;
      return walk.apply(this, given);
    };
    Object.defineProperty(Array.prototype, name, { ...own, value: counting });
    restore.push(() => void Object.defineProperty(Array.prototype, name, own));
  }
  try {
    await act();
  } finally {
    for (const each of restore) each();
  }
  return visited;
}
