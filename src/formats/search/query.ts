/**
 * What is looked for, as a function from a line to the places where it stands. Smart case: upper and lower case differ
 * where the query has an upper-case letter. Patterns are RE2's, so no line makes them slow; they are loaded when one is used.
 */
import { DraftstateError } from "../../errors.js";
import type { Hit, LineMatcher } from "./matcher.js";

export interface Query {
  readonly text: string;
  readonly regex: boolean;
  /** Smart unless told. */
  readonly matchCase: boolean | undefined;
}

/** Upper-case letters of a pattern that are no part of an escape: `\S` and `\pL` say nothing about case. */
function hasUpperCase({ text, regex }: Query): boolean {
  const letters = regex ? text.replaceAll(/\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|.)/gs, "") : text;
  return /\p{Lu}/u.test(letters);
}

/** Throws `USAGE` for what cannot be looked for. */
export async function compileQuery(query: Query): Promise<LineMatcher> {
  if (query.text === "") throw new DraftstateError("USAGE", "the text to search for is empty");
  if (/[\n\r]/.test(query.text))
    throw new DraftstateError(
      "USAGE",
      "the text to search for has several lines: search matches within lines, so give one of them",
    );
  const matchCase = query.matchCase ?? hasUpperCase(query);
  if (query.regex) return (await import("./pattern.js")).compilePattern(query.text, matchCase);
  if (matchCase || isCaseless(query.text)) return { matchCase: true, find: (line) => findText(line, query.text) };
  const folded = foldCase(query.text);
  return { matchCase, find: (line) => findText(foldCase(line), folded) };
}

export function isCaseless(text: string): boolean {
  return text.toLowerCase() === text.toUpperCase();
}

/** Lower case, and every character where it was: what would become longer stays as it is. The two small sigmas are one. */
function foldCase(text: string): string {
  const lower = text.toLowerCase();
  const inPlace = lower.length === text.length ? lower : Array.from(text, foldCharacter).join("");
  return inPlace.replaceAll("ς", "σ");
}

function foldCharacter(character: string): string {
  const lower = character.toLowerCase();
  return lower.length === character.length ? lower : character;
}

function findText(line: string, text: string): Hit[] {
  const hits: Hit[] = [];
  for (let start = line.indexOf(text); start !== -1; start = line.indexOf(text, start + text.length))
    hits.push({ start, end: start + text.length });
  return hits;
}
