/**
 * The only way for text from files or models to reach a terminal. Every character that could act on it (C0 but newline
 * and tab, DEL, C1, bidi controls, the line and paragraph separators) is shown as its code point, `\u{1b}`; a CRLF
 * becomes a newline and a lone surrogate U+FFFD. Zero-width joiners stay: emoji are made of them.
 *
 * Each of these characters is one code unit, so no escape sequence survives being split over two tokens. Only a CRLF and
 * a surrogate pair need their other half: `SafeTextStream` waits for it. For people to read, not to decode: a backslash
 * stays as it is, so a text that spells `\u{1b}` looks the same.
 */
import { isHarmless, replaceActing } from "../../../formats/acting-characters.js";

const CRLF = /\r\n/g;
const LINE_SPACING = /[\n\t]+/g;
const UNFINISHED = /[\r\ud800-\udbff]$/;

/** Safe to print, over as many lines as it has. Giving it safe text changes nothing. */
export function toSafeText(text: string): string {
  if (isHarmless(text)) return text;
  // Under the `u` flag a surrogate matches only when it is alone.
  return replaceActing(text.replace(CRLF, "\n"), showCodePoint).replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Safe to print where one line is expected (a title, a cell): each run of newlines and tabs becomes one space. */
export function toSafeLine(text: string): string {
  return toSafeText(text).replace(LINE_SPACING, " ");
}

/** Text that arrives in pieces: all it returns, put together, is `toSafeText` of all it was given, however it was cut. */
export class SafeTextStream {
  /** A carriage return or the first half of a surrogate pair that the next piece may complete. */
  #unfinished = "";

  push(chunk: string): string {
    const text = this.#unfinished + chunk;
    this.#unfinished = UNFINISHED.exec(text)?.[0] ?? "";
    return toSafeText(text.slice(0, text.length - this.#unfinished.length));
  }

  end(): string {
    const rest = this.#unfinished;
    this.#unfinished = "";
    return toSafeText(rest);
  }
}

function showCodePoint(character: string): string {
  return `\\u{${character.charCodeAt(0).toString(16)}}`;
}
