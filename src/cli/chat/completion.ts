/** What Tab makes of what is written before the cursor, and the name that was probably meant. Pure. */
export interface Completions {
  /** Where what is inserted begins. */
  readonly from: number;
  /** Undefined where nothing is sure. */
  readonly insert: string | undefined;
  /** To be shown where there are several. */
  readonly choices: readonly string[];
}

/** `choose` gives all that could stand at the place of the last word. */
export function completionsOf(before: string, choose: (before: string) => readonly string[]): Completions {
  const from = before.lastIndexOf(" ") + 1;
  const word = before.slice(from);
  const choices =
    before.startsWith("/") && !before.includes("\n") ? choose(before).filter((choice) => choice.startsWith(word)) : [];
  const [only, ...others] = choices;
  if (only === undefined) return { from, insert: undefined, choices: [] };
  if (others.length === 0) return { from, insert: `${only} `, choices: [] };
  const shared = choices.reduce(sharedStart);
  return { from, insert: shared.length > word.length ? shared : undefined, choices };
}

function sharedStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}

/** The nearest of the names, if it is near: one or two letters changed, added, left out or exchanged. */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const byStart = names.filter((name) => wanted.length > 1 && name.startsWith(wanted));
  if (byStart.length === 1) return byStart[0];
  const ranked = names
    .map((name) => ({ name, distance: distanceOf(wanted.slice(0, 40), name) }))
    .sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Damerau and Levenshtein's, neighbours exchanged counting once. */
function distanceOf(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const at = (up: number, left: number): number => (up === 0 ? row : rows[i - up])?.[j - left] ?? 0;
      const exchanged =
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? at(2, 2) + 1 : Infinity;
      row.push(Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (from[i - 1] === to[j - 1] ? 0 : 1), exchanged));
    }
    rows.push(row);
  }
  return rows.at(-1)?.[to.length] ?? 0;
}
