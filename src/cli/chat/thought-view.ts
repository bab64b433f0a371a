/**
 * What a model thinks beside its answer, for a terminal: its last rows, dimmed, while it comes, and afterwards one line that says how long and how much it
 * was. It can be folded and unfolded. Draws nothing itself.
 */
import { CombiningLimit } from "../terminal/text/combining.js";
import { formatCount, pluralize } from "../terminal/text/format.js";
import { SafeTextStream } from "../terminal/text/safe-text.js";
import type { Style } from "../terminal/text/style.js";
import { truncateToWidth } from "../terminal/text/width.js";
import { wrapText } from "../terminal/text/wrap-text.js";

/** Characters that are kept to be shown; all of it is in the conversation. */
const KEPT = 20_000;

/** The last rows of a text that is safe already, dimmed. */
export function lastRows(text: string, columns: number, most: number, style: Style): string[] {
  const tail = text.slice(-columns * most * 2).trim();
  const rows = wrapText(tail, columns - 1).split("\n");
  return rows.slice(-most).map((row) => style.dim(truncateToWidth(row, columns - 1)));
}

function lengthOf(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${formatCount(Math.floor(seconds / 60))} min ${seconds % 60} s`;
}

export class ThoughtView {
  #safe = new SafeTextStream();
  #combining = new CombiningLimit();
  #text = "";
  #words = 0;
  #isInWord = false;
  /** Undefined while nothing is thought. */
  #since: number | undefined;
  #isOpen = true;

  constructor(private readonly now: () => number) {}

  push(text: string): void {
    if (this.#since === undefined) this.#begin();
    this.#count(text);
    this.#text = (this.#text + this.#combining.push(this.#safe.push(text))).slice(-KEPT);
  }

  /** It thinks no more: folded, with the line that stays. Undefined where it did not think. */
  fold(): string | undefined {
    if (this.#since === undefined) return undefined;
    const length = lengthOf(this.now() - this.#since);
    this.#since = undefined;
    this.#isOpen = false;
    return `thought for ${length}, ${pluralize(this.#words, "word")}`;
  }

  toggle(): void {
    this.#isOpen = !this.#isOpen;
  }

  rows(columns: number, most: number, style: Style): string[] {
    return this.#isOpen && this.#text.trim() !== "" ? lastRows(this.#text, columns, most, style) : [];
  }

  #begin(): void {
    this.#since = this.now();
    this.#safe = new SafeTextStream();
    this.#combining = new CombiningLimit();
    this.#text = "";
    this.#words = 0;
    this.#isInWord = false;
  }

  /** A word may come in pieces. */
  #count(text: string): void {
    const words = text.match(/\S+/g)?.length ?? 0;
    this.#words += this.#isInWord && /^\S/.test(text) ? words - 1 : words;
    if (text !== "") this.#isInWord = /\S$/.test(text);
  }
}
