/**
 * A quick no: whether the bytes of a file can hold the query at all, without parsing them. Says yes whenever it is not
 * sure, never no where a line would be found.
 */
import { isCaseless, type LineMatcher, type Query } from "./query.js";

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
  return (text.match(/[\x20-\x7e]+/g) ?? []).reduce((longest, run) => (run.length > longest.length ? run : longest), "");
}

/** Escapes that JSON allows, and we never write: files of other programs may hold them in place of the character. */
function foreignEscapes(text: string): string[] {
  return [...(isAscii(text) ? [] : ["\\u"]), ...(text.includes("/") ? ["\\/"] : []), ...(/[<>&'+=]/.test(text) ? ["\\u00"] : [])];
}

function foldedSearch(needle: string): Prefilter {
  const wanted = needle.toLowerCase();
  // Latin-1 keeps each byte a character, and lower-casing those above ASCII cannot make an ASCII one.
  return (bytes) => asBuffer(bytes).toString("latin1").toLowerCase().includes(wanted);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function exactSearch(needle: string): Prefilter {
  const wanted = Buffer.from(needle, "utf8");
  return (bytes) => asBuffer(bytes).includes(wanted);
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
  const plain = pattern.replaceAll(/\\[pPx](?:\{[^}]*\}|.)|\\Q.*|\\./gs, "\n").replaceAll(/\[\^?\]?[^\]]*\]/g, "\n").replaceAll(/.[?*{](?:[^}]*\})?/gs, "\n");
  return (plain.match(/[A-Za-z0-9 _-]+/g) ?? []).reduce((longest, run) => (run.length > longest.length ? run : longest), "");
}

export function prefilterFor(query: Query, matcher: Pick<LineMatcher, "matchCase">): Prefilter {
  if (query.regex) {
    const literal = literalOf(query.text);
    return literal === "" ? () => true : needleSearch(literal, matcher.matchCase);
  }
  // Half of a surrogate pair stands in no file by itself.
  if (/\p{Surrogate}/u.test(query.text)) return () => true;
  const searches = [needleSearch(query.text, matcher.matchCase), ...foreignEscapes(query.text).map(exactSearch)];
  return (bytes) => searches.some((search) => search(bytes));
}
