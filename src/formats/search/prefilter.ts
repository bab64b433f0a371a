/**
 * A quick no: whether the bytes of a file can hold the query at all, without parsing them. Says yes whenever it is not
 * sure, never no where a line would be found.
 */
import type { LineMatcher } from "./matcher.js";
import { isCaseless, type Query } from "./query.js";

export type Prefilter = (bytes: Uint8Array) => boolean;

/** As it stands in a file: quotes, backslashes and control characters escaped. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** The longest stretch of ASCII: in other letters case changes bytes. */
function longestAscii(text: string): string {
  return (text.match(/[\x20-\x7e]+/g) ?? []).reduce(
    (longest, run) => (run.length > longest.length ? run : longest),
    "",
  );
}

/** Characters beyond ASCII that are an ASCII letter in another case: the Kelvin sign and, to RE2, the long s. */
function otherCases(text: string, matchCase: boolean): string[] {
  return matchCase ? [] : [...(/k/i.test(text) ? ["\u212a"] : []), ...(/s/i.test(text) ? ["\u017f"] : [])];
}

/** Escapes that JSON allows, and we never write: files of other programs may hold them in place of the character. */
function foreignEscapes(text: string): string[] {
  return [
    ...(isAscii(text) ? [] : ["\\u"]),
    ...(text.includes("/") ? ["\\/"] : []),
    ...(/[<>&'+=]/.test(text) ? ["\\u00"] : []),
  ];
}

/** Latin-1 keeps each byte a character: what is looked for is made of the same bytes. */
function asLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Without `u`, case is ignored within ASCII alone; a text without quantifiers is looked for in linear time. */
function foldedSearch(needle: string): Prefilter {
  const wanted = new RegExp(
    needle.replaceAll(/[^A-Za-z0-9]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`),
    "i",
  );
  return (bytes) => wanted.test(asLatin1(bytes));
}

function exactSearch(needle: string): Prefilter {
  const wanted = asLatin1(Buffer.from(needle, "utf8"));
  return (bytes) => asLatin1(bytes).includes(wanted);
}

function needleSearch(text: string, matchCase: boolean): Prefilter {
  if (matchCase || isCaseless(text)) return exactSearch(inJson(text));
  const ascii = inJson(longestAscii(text));
  return ascii === "" ? () => true : foldedSearch(ascii);
}

/**
 * Literal stretches that every match of a pattern holds: read only from plain concatenations, with neither groups nor
 * alternatives nor named classes; a character before a quantifier may be absent.
 */
export function literalOf(pattern: string): string {
  if (/[|(]|\[:/.test(pattern)) return "";
  const plain = pattern
    .replaceAll(/\\[pPx](?:\{[^}]*\}|.)|\\Q.*|\\./gs, "\n")
    .replaceAll(/\[\^?\]?[^\]]*\]/g, "\n")
    .replaceAll(/.[?*{](?:[^}]*\})?/gs, "\n");
  return (plain.match(/[A-Za-z0-9 _-]+/g) ?? []).reduce(
    (longest, run) => (run.length > longest.length ? run : longest),
    "",
  );
}

function anyOf(searches: readonly Prefilter[]): Prefilter {
  return (bytes) => searches.some((search) => search(bytes));
}

export function prefilterFor({ text, regex }: Query, { matchCase }: Pick<LineMatcher, "matchCase">): Prefilter {
  const literal = regex ? literalOf(text) : text;
  // Half of a surrogate pair stands in no file by itself.
  if (literal === "" || /\p{Surrogate}/u.test(literal)) return () => true;
  const others = [...otherCases(literal, matchCase), ...(regex ? [] : foreignEscapes(literal))];
  return anyOf([needleSearch(literal, matchCase), ...others.map(exactSearch)]);
}
