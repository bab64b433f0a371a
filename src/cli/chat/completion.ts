/** What Tab makes of the text before the cursor, and the name that was probably meant. Pure. */
import { nearest } from "../../store/nearest.js";

export interface Completions {
  /** Where the inserted text begins. */
  readonly from: number;
  /** Undefined if nothing is certain. */
  readonly insert: string | undefined;
  /** Shown if there are several. */
  readonly choices: readonly string[];
}

/** `choose` lists everything that could replace the last word. */
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

/** The only name that begins so, else the nearest one. */
export function nameMeantBy(word: string, names: readonly string[]): string | undefined {
  const [only, ...others] = word.length > 1 ? names.filter((name) => name.startsWith(word)) : [];
  return only !== undefined && others.length === 0 ? only : nearest(word, names);
}
