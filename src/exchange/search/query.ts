/**
 * What is looked for, as a function from a line to the places where it stands. Smart case: upper and lower case differ
 * where the query has an upper-case letter. Patterns are RE2's, so no line makes them slow.
 */
import { RE2JS } from "re2js";
import { DraftstateError, messageOf } from "../../errors.js";

export interface Query {
  readonly text: string;
  readonly regex: boolean;
  /** Smart unless told. */
  readonly matchCase: boolean | undefined;
}

export interface Hit {
  readonly start: number;
  readonly end: number;
}

export interface LineMatcher {
  readonly matchCase: boolean;
  find(line: string): Hit[];
}

/** Upper-case letters of a pattern that are no part of an escape: `\S` and `\pL` say nothing about case. */
function hasUpperCase({ text, regex }: Query): boolean {
  const letters = regex ? text.replaceAll(/\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|.)/gs, "") : text;
  return /\p{Lu}/u.test(letters);
}

export function compileQuery(query: Query): LineMatcher {
  if (query.text === "") throw new DraftstateError("USAGE", "the text to search for is empty");
  if (/[\n\r]/.test(query.text)) throw new DraftstateError("USAGE", "the text to search for has several lines: it is looked for within lines, so give one of them");
  const matchCase = query.matchCase ?? hasUpperCase(query);
  if (!query.regex && (matchCase || isCaseless(query.text))) return { matchCase: true, find: (line) => findText(line, query.text) };
  const pattern = compile(query, matchCase);
  if (query.regex) return { matchCase, find: (line) => findPattern(line, pattern) };
  return { matchCase, find: (line) => findFolded(line, query.text.toLowerCase(), pattern) };
}

/** Most lines do not have it, and in most of the others lower-casing moves nothing: the pattern is for the rest. */
function findFolded(line: string, folded: string, pattern: RE2JS): Hit[] {
  const lower = line.toLowerCase();
  if (!lower.includes(folded)) return [];
  return lower.length === line.length ? findText(lower, folded) : findPattern(line, pattern);
}

export function isCaseless(text: string): boolean {
  return text.toLowerCase() === text.toUpperCase();
}

function compile({ text, regex }: Query, matchCase: boolean): RE2JS {
  try {
    return RE2JS.compile(regex ? text : RE2JS.quote(text), matchCase ? 0 : RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    throw new DraftstateError("USAGE", `--regex ${JSON.stringify(text)} cannot be used: ${messageOf(error)} (patterns are RE2's: no look-around, no back-references)`);
  }
}

function findText(line: string, text: string): Hit[] {
  const hits: Hit[] = [];
  for (let start = line.indexOf(text); start !== -1; start = line.indexOf(text, start + text.length)) hits.push({ start, end: start + text.length });
  return hits;
}

/** Empty matches are none: there is nothing to show. */
function findPattern(line: string, pattern: RE2JS): Hit[] {
  const hits: Hit[] = [];
  const matcher = pattern.matcher(line);
  while (matcher.find()) if (matcher.end() > matcher.start()) hits.push({ start: matcher.start(), end: matcher.end() });
  return hits;
}
