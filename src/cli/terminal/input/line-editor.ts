/**
 * A message being edited: text, cursor, cut text, history. Answers keys as GNU readline does, and knows
 * more than one line. In memory alone; draws nothing.
 */
import type { Key } from "./keys.js";
import { clustersOf } from "../text/clusters.js";

export type Outcome = "edited" | "submit" | "interrupt" | "end" | "complete" | "clear" | "none";

const WORD_BEFORE = /[\p{L}\p{N}_]+[^\p{L}\p{N}_]*$/u;
const WORD_AFTER = /^[^\p{L}\p{N}_]*[\p{L}\p{N}_]+/u;

export class LineEditor {
  text = "";
  cursor = 0;
  #cut = "";
  /** Where in the history we are; its length is the message being written. */
  #at: number;
  #draft = "";
  #search: { query: string; at: number; readonly before: string } | undefined;

  constructor(private readonly history: readonly string[]) {
    this.#at = history.length;
  }

  /** What is being looked for in the history. */
  get searching(): string | undefined {
    return this.#search?.query;
  }

  set(text: string): void {
    this.text = text;
    this.cursor = text.length;
  }

  insert(text: string): void {
    this.text = this.text.slice(0, this.cursor) + text + this.text.slice(this.cursor);
    this.cursor += text.length;
  }

  replace(from: number, text: string): void {
    this.text = this.text.slice(0, from) + text + this.text.slice(this.cursor);
    this.cursor = from + text.length;
  }

  handle(key: Key): Outcome {
    if (this.#search !== undefined && this.#handleSearch(key)) return "edited";
    if (key.kind !== "key") {
      this.insert(key.text);
      return "edited";
    }
    return this.#command(key.name);
  }

  #command(name: string): Outcome {
    switch (name) {
      case "enter":
        return this.#enter();
      case "ctrl-c":
        return "interrupt";
      case "ctrl-d":
        return this.text === "" ? "end" : this.#delete(this.#next());
      case "tab":
        return "complete";
      case "ctrl-l":
        return "clear";
      case "ctrl-j":
      case "alt-enter":
      case "shift-enter":
      case "ctrl-enter":
        return this.#insert("\n");
      case "backspace":
      case "shift-backspace":
        return this.#delete(this.#previous());
      case "delete":
        return this.#delete(this.#next());
      case "ctrl-w":
      case "alt-backspace":
      case "ctrl-backspace":
        return this.#take(this.#wordBefore(name === "ctrl-w"));
      case "alt-d":
      case "ctrl-delete":
        return this.#take(this.#wordAfter());
      case "ctrl-u":
        return this.#take(this.#lineStart());
      case "ctrl-k":
        return this.#take(this.#lineEnd());
      case "ctrl-y":
        return this.#insert(this.#cut);
      case "up":
        return this.#up();
      case "down":
        return this.#down();
      case "ctrl-p":
        return this.#recall(this.#at - 1);
      case "ctrl-n":
        return this.#recall(this.#at + 1);
      case "ctrl-r":
        return this.#startSearch();
      default:
        return this.#move(name);
    }
  }

  #move(name: string): Outcome {
    const to = this.#target(name);
    if (to === undefined) return "none";
    this.cursor = to;
    return "edited";
  }

  #target(name: string): number | undefined {
    switch (name) {
      case "left":
      case "ctrl-b":
        return this.#previous();
      case "right":
      case "ctrl-f":
        return this.#next();
      case "home":
      case "ctrl-a":
        return this.#lineStart();
      case "end":
      case "ctrl-e":
        return this.#lineEnd();
      case "alt-b":
      case "ctrl-left":
      case "alt-left":
        return this.#wordBefore(false);
      case "alt-f":
      case "ctrl-right":
      case "alt-right":
        return this.#wordAfter();
      case "ctrl-home":
      case "alt-<":
        return 0;
      case "ctrl-end":
      case "alt->":
        return this.text.length;
      default:
        return undefined;
    }
  }

  /** A backslash at the end asks for another line. */
  #enter(): Outcome {
    if (this.cursor !== this.text.length || !this.text.endsWith("\\")) return "submit";
    this.replace(this.cursor - 1, "\n");
    return "edited";
  }

  #insert(text: string): Outcome {
    this.insert(text);
    return "edited";
  }

  #delete(to: number): Outcome {
    const [from, end] = to < this.cursor ? [to, this.cursor] : [this.cursor, to];
    this.text = this.text.slice(0, from) + this.text.slice(end);
    this.cursor = from;
    return "edited";
  }

  #take(to: number): Outcome {
    const cut = to < this.cursor ? this.text.slice(to, this.cursor) : this.text.slice(this.cursor, to);
    if (cut !== "") this.#cut = cut;
    return this.#delete(to);
  }

  /** By what a person sees as one character. */
  #previous(): number {
    const start = Math.max(0, this.cursor - 64);
    return this.cursor - ([...clustersOf(this.text.slice(start, this.cursor))].at(-1)?.length ?? 0);
  }

  #next(): number {
    return this.cursor + ([...clustersOf(this.text.slice(this.cursor, this.cursor + 64))][0]?.length ?? 0);
  }

  #lineStart(): number {
    return this.text.lastIndexOf("\n", this.cursor - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.text.indexOf("\n", this.cursor);
    return end < 0 ? this.text.length : end;
  }

  #wordBefore(toSpace: boolean): number {
    const before = this.text.slice(Math.max(0, this.cursor - 2000), this.cursor);
    const word = (toSpace ? /\S+\s*$/ : WORD_BEFORE).exec(before)?.[0] ?? before;
    return this.cursor - word.length;
  }

  #wordAfter(): number {
    const after = this.text.slice(this.cursor, this.cursor + 2000);
    return this.cursor + (WORD_AFTER.exec(after)?.[0] ?? after).length;
  }

  #up(): Outcome {
    const start = this.#lineStart();
    if (start === 0) return this.#recall(this.#at - 1);
    const before = this.text.lastIndexOf("\n", start - 2) + 1;
    this.cursor = Math.min(before + this.cursor - start, start - 1);
    return "edited";
  }

  #down(): Outcome {
    const end = this.#lineEnd();
    if (end === this.text.length) return this.#recall(this.#at + 1);
    const column = this.cursor - this.#lineStart();
    this.cursor = end + 1;
    this.cursor = Math.min(this.cursor + column, this.#lineEnd());
    return "edited";
  }

  #recall(at: number): Outcome {
    if (at < 0 || at > this.history.length) return "none";
    if (this.#at === this.history.length) this.#draft = this.text;
    this.#at = at;
    this.set(this.history[at] ?? this.#draft);
    return "edited";
  }

  #startSearch(): Outcome {
    this.#search = { query: "", at: this.history.length, before: this.text };
    return "edited";
  }

  /** False where the key ends the search and means what it always means. */
  #handleSearch(key: Key): boolean {
    const search = this.#search;
    if (search === undefined) return false;
    if (key.kind !== "key") return this.#find(search.query + key.text, this.history.length - 1);
    if (key.name === "backspace") return this.#find(search.query.slice(0, -1), this.history.length - 1);
    if (key.name === "ctrl-r") return this.#find(search.query, search.at - 1);
    this.#search = undefined;
    if (key.name !== "escape" && key.name !== "ctrl-g" && key.name !== "ctrl-c") return key.name === "tab";
    this.set(search.before);
    return true;
  }

  #find(query: string, from: number): true {
    const { at: lastAt = 0, before = "" } = this.#search ?? {};
    const found =
      from < 0 || query === ""
        ? -1
        : this.history.findLastIndex((entry, index) => index <= from && entry.includes(query));
    this.#search = { query, at: found < 0 ? lastAt : found, before };
    const entry = this.history[found];
    if (entry !== undefined) this.set(entry);
    return true;
  }
}
