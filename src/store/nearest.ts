/** The known word that a mistyped one most likely was meant to be. Pure. */

/** Edits (a letter put in, left out, replaced, or swapped with its neighbour) from one to the other. */
export function editDistance(from: string, to: string): number {
  let [older, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const cheapest = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      current.push(swapped ? Math.min(cheapest, (older[column - 2] ?? 0) + 1) : cheapest);
    }
    [older, last] = [last, current];
  }
  return last[to.length] ?? 0;
}

const LONGEST = 64;

function normalized(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Undefined where none is near: within a third of the word's length, case and separators not counted. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = normalized(word.slice(0, LONGEST));
  let [best, distance] = [undefined as string | undefined, Math.floor(wanted.length / 3) + 1];
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > distance + 2) continue;
    const edits = editDistance(wanted, normalized(candidate.slice(0, LONGEST)));
    if (edits < distance) [best, distance] = [candidate, edits];
  }
  return best;
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? "" : ` (did you mean ${near}?)`;
}
