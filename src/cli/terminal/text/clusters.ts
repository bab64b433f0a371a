/** Grapheme clusters (what a person sees as one character) and their columns on a terminal. */
import { eastAsianWidth } from "get-east-asian-width";

/** UAX #11: an emoji presentation sequence is wide, whatever its code points are by themselves. */
const EMOJI =
  /^(?:\p{Regional_Indicator}|\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic}))/u;
/** Drawn by terminals although Unicode lets them be ignored: the soft hyphen and the Hangul fillers. */
const DRAWN = /[\u00ad\u115f\u3164\uffa0]/;
/** The ranges are the vowels and final consonants of Hangul, which join the syllable before them. */
const JOINING = /[\p{Cc}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff\ud7b0-\ud7c6\ud7cb-\ud7fb]/u;

const EMOJI_PART = /[\p{Extended_Pictographic}\p{Regional_Indicator}\ufe0f]/u;
const PRINTABLE_ASCII = /^[ -~]*$/;
const HIGH_SURROGATE_LAST = /[\ud800-\udbff]$/;
/** In code units. Each step of V8's segmenter costs the length of its text, so a long text is segmented in parts. */
const WINDOW = 256;

/** Made on first use: making it takes as long as many commands run. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

/** Without emoji each code point counts by itself, and the slow segmenter is not needed. */
export function hasEmoji(text: string): boolean {
  return EMOJI_PART.test(text);
}

/** Leaves the last cluster of a window to the next one, where it is whole; one longer than a window is cut. */
export function* clustersOf(text: string): Generator<string> {
  if (PRINTABLE_ASCII.test(text)) {
    yield* text;
    return;
  }
  for (let start = 0; start < text.length;) {
    const clusters = graphemesOf(windowAt(text, start));
    const reachesEnd = start + WINDOW >= text.length;
    for (const cluster of reachesEnd || clusters.length === 1 ? clusters : clusters.slice(0, -1)) {
      start += cluster.length;
      yield cluster;
    }
  }
}

function windowAt(text: string, start: number): string {
  const window = text.slice(start, start + WINDOW);
  return start + WINDOW < text.length ? window.replace(HIGH_SURROGATE_LAST, "") : window;
}

export function clusterWidth(cluster: string): number {
  return EMOJI.test(cluster) ? 2 : sumOfCharacters(cluster);
}

export function sumOfCharacters(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  return JOINING.test(character) && !DRAWN.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}
