/**
 * How many columns a line takes on a terminal, and how to cut or fill it to a number of them. Measures what a person
 * sees as one character (a grapheme cluster) at a time, so that none is ever cut in two.
 *
 * For one line of safe text without colours: control characters, newlines and tabs have no width that could be known.
 * Ambiguous characters take one column; a terminal that cannot join an emoji sequence shows it wider than this says.
 */
import { clustersOf, clusterWidth, hasEmoji, sumOfCharacters } from "./clusters.js";

export type Alignment = "left" | "right";

/** One column in every terminal that is not set to wide ambiguous characters. */
const ELLIPSIS = "…";
const PRINTABLE_ASCII = /^[ -~]*$/;
/** Our own styles, which take no columns. */
const STYLE_SEQUENCE = /\u001b\[[\d;]*m/g;

export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  if (!hasEmoji(text)) return sumOfCharacters(text);
  let width = 0;
  for (const cluster of clustersOf(text)) width += clusterWidth(cluster);
  return width;
}

/** Of text with styles. */
export function visibleWidth(text: string): number {
  return displayWidth(text.replaceAll(STYLE_SEQUENCE, ""));
}

/** As much of the text as fits, with an ellipsis in place of what does not. May be a column short before a wide character. */
export function truncateToWidth(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (displayWidth(text) <= columns) return text;
  let width = 0;
  let kept = 0;
  for (const cluster of clustersOf(text)) {
    width += clusterWidth(cluster);
    if (width >= columns) break;
    kept += cluster.length;
  }
  return text.slice(0, kept) + ELLIPSIS;
}

/** The spaces that are missing to fill the columns; none when the text is too wide. */
export function paddingFor(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - displayWidth(text)));
}
