/**
 * How many columns a line takes on a terminal, and how to cut or fill it to a number of them. Measures what a person
 * sees as one character (a grapheme cluster) at a time, so that none is ever cut in two.
 *
 * For one line of safe text without colours: control characters, newlines and tabs have no width that could be known.
 * Ambiguous characters take one column; a terminal that cannot join an emoji sequence shows it wider than this says.
 */
import { isEastAsianWide } from "./east-asian-wide.js";

export type Alignment = "left" | "right";

/** One column in every terminal that is not set to wide ambiguous characters. */
const ELLIPSIS = "…";
const PRINTABLE_ASCII = /^[ -~]*$/;
/** UAX #11: an emoji presentation sequence is wide, whatever its code points are by themselves. */
const EMOJI =
  /^(?:\p{Regional_Indicator}|\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic}))/u;
/** Drawn by terminals although Unicode lets them be ignored: the soft hyphen and the Hangul fillers. */
const DRAWN = /[\u00ad\u115f\u3164\uffa0]/;
/** The ranges are the vowels and final consonants of Hangul, which join the syllable before them. */
const JOINING = /[\p{Cc}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff\ud7b0-\ud7c6\ud7cb-\ud7fb]/u;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += clusterWidth(segment);
  return width;
}

/** As much of the text as fits, with an ellipsis in place of what does not. May be a column short before a wide character. */
export function truncateToWidth(text: string, columns: number): string {
  if (columns <= 0) return "";
  let width = 0;
  let kept = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    width += clusterWidth(segment);
    if (width > columns) return text.slice(0, kept) + ELLIPSIS;
    if (width < columns) kept = index + segment.length;
  }
  return text;
}

/** The spaces that are missing to fill the columns; none when the text is too wide. */
export function paddingFor(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - displayWidth(text)));
}

function clusterWidth(cluster: string): number {
  if (EMOJI.test(cluster)) return 2;
  let width = 0;
  for (const character of cluster) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (JOINING.test(character) && !DRAWN.test(character)) return 0;
  return isEastAsianWide(character.codePointAt(0) ?? 0) ? 2 : 1;
}
