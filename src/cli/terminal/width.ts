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

/** Without any of these each code point counts by itself, and the slow segmenter is not needed. */
const EMOJI_PART = /[\p{Extended_Pictographic}\p{Regional_Indicator}\ufe0f]/u;
const HIGH_SURROGATE_LAST = /[\ud800-\udbff]$/;
/** In code units. Each step of V8's segmenter costs the length of its text, so a long text is given to it in parts. */
const WINDOW = 256;

/** Made when it is first needed: making it takes as long as starting many a command. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

interface Cluster {
  readonly text: string;
  /** Where it ends in the whole text. */
  readonly end: number;
}

export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  if (!EMOJI_PART.test(text)) return sumOfCharacters(text);
  let width = 0;
  for (const cluster of clustersOf(text)) width += clusterWidth(cluster.text);
  return width;
}

/** As much of the text as fits, with an ellipsis in place of what does not. May be a column short before a wide character. */
export function truncateToWidth(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (displayWidth(text) <= columns) return text;
  let width = 0;
  let kept = 0;
  for (const cluster of clustersOf(text)) {
    width += clusterWidth(cluster.text);
    if (width >= columns) break;
    kept = cluster.end;
  }
  return text.slice(0, kept) + ELLIPSIS;
}

/** The spaces that are missing to fill the columns; none when the text is too wide. */
/** The same with the ellipsis in the middle: for names that differ at their ends. */
export function truncateMiddle(text: string, columns: number): string {
  if (displayWidth(text) <= columns || columns < 5) return truncateToWidth(text, columns);
  const tail = Math.floor((columns - 1) / 2);
  let [start, width] = [text.length, 0];
  for (const { text: cluster, end } of [...clustersOf(text)].reverse()) {
    width += clusterWidth(cluster);
    if (width > tail) break;
    start = end - cluster.length;
  }
  return truncateToWidth(text, columns - tail) + text.slice(start);
}

export function paddingFor(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - displayWidth(text)));
}

/** Leaves the last cluster of a window to the next one, where it is whole; one longer than a window is cut. */
function* clustersOf(text: string): Generator<Cluster> {
  let start = 0;
  while (start < text.length) {
    const clusters = [...graphemesOf(windowAt(text, start))].map(({ segment }) => segment);
    const reachesEnd = start + WINDOW >= text.length;
    for (const cluster of reachesEnd || clusters.length === 1 ? clusters : clusters.slice(0, -1)) {
      start += cluster.length;
      yield { text: cluster, end: start };
    }
  }
}

function windowAt(text: string, start: number): string {
  const window = text.slice(start, start + WINDOW);
  return start + WINDOW < text.length ? window.replace(HIGH_SURROGATE_LAST, "") : window;
}

function clusterWidth(cluster: string): number {
  return EMOJI.test(cluster) ? 2 : sumOfCharacters(cluster);
}

function sumOfCharacters(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (JOINING.test(character) && !DRAWN.test(character)) return 0;
  return isEastAsianWide(character.codePointAt(0) ?? 0) ? 2 : 1;
}
