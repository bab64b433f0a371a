/**
 * The only way for text from files or models to reach a terminal. Every character that could act on it (C0 but newline
 * and tab, DEL, C1, bidi controls, the line and paragraph separators) is shown as its code point, `\u{1b}`; a CRLF
 * becomes a newline and a lone surrogate U+FFFD. So are invisible characters that could hide text (zero-width
 * spaces, tags, invisible operators). Zero-width joiners and non-joiners stay: emoji and scripts are made of them.
 *
 * Each of these characters is one code unit, so no escape sequence survives being split over two tokens. Only a CRLF and
 * a surrogate pair need their other half: `SafeTextStream` waits for it. For people to read, not to decode: a backslash
 * stays as it is, so a text that spells `\u{1b}` looks the same.
 */
import { isHarmless, replaceActing, replaceInvisible } from "../../../formats/acting-characters.js";

const CRLF = /\r\n/g;
const LINE_SPACING = /[\n\t]+/g;
const SELECTOR = "\ufe0f";
const ENDS_IN_SELECTOR = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]$/u;
const UNFINISHED = /[\r\ud800-\udbff]$/;

/** Safe to print, over as many lines as it has. Giving it safe text changes nothing. */
export function toSafeText(text: string): string {
  if (isHarmless(text)) return text;
  const visible = replaceInvisible(replaceActing(text.replace(CRLF, "\n"), showCodePoint), showCodePoint);
  // Under the `u` flag a surrogate matches only when it is alone.
  return visible.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Safe to print where one line is expected (a title, a cell): each run of newlines and tabs becomes one space. */
export function toSafeLine(text: string): string {
  return toSafeText(text).replace(LINE_SPACING, " ");
}

/** What one of our own styles is made of, and nothing else that a terminal obeys. */
const STYLE_SEQUENCE = /(\u001b\[[\d;]*m)/;

/** Safe text that may hold our own styles: what anything else in it would do is made visible. The last door to a terminal. */
export function toSafeStyled(text: string, { colored }: { readonly colored: boolean }): string {
  if (!colored) return toSafeText(text);
  return text
    .split(STYLE_SEQUENCE)
    .map((part, index) => (index % 2 === 1 ? part : toSafeText(part)))
    .join("");
}

/** Text that arrives in pieces: all it returns, put together, is `toSafeText` of all it was given, however it was cut. */
export class SafeTextStream {
  /** A carriage return or the first half of a surrogate pair that the next piece may complete. */
  #unfinished = "";
  #endedInSelector = false;

  push(chunk: string): string {
    const text = this.#unfinished + chunk;
    this.#unfinished = UNFINISHED.exec(text)?.[0] ?? "";
    return this.#safe(text.slice(0, text.length - this.#unfinished.length));
  }

  end(): string {
    const rest = this.#unfinished;
    this.#unfinished = "";
    return this.#safe(rest);
  }

  /** A selector at the end of the piece before is looked at with what follows it. */
  #safe(text: string): string {
    if (text === "") return "";
    const before = this.#endedInSelector ? SELECTOR : "";
    this.#endedInSelector = ENDS_IN_SELECTOR.test(text);
    return toSafeText(before + text).slice(before.length);
  }
}

function showCodePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
