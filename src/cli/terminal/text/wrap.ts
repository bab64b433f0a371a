/**
 * Styled text laid out in rows of a terminal: broken between words, beside wide characters, and inside a word only if it
 * is longer than a row. For one line of safe text; every character of it is in exactly one row, except the spaces at
 * which rows end. Pure.
 */
import { clustersOf } from "./clusters.js";
import type { Paint } from "./style.js";
import { displayWidth } from "./width.js";

export interface Span {
  readonly text: string;
  readonly paint: Paint;
}

export interface Row {
  /** With margin and styles. */
  readonly shown: string;
  /** The text alone. */
  readonly plain: string;
}

export interface Margins {
  readonly columns: number;
  /** Before the first row, as a list's bullet is, and before those that follow. */
  readonly first: Span;
  readonly rest: Span;
  /** Rows end between words only, however long a word is. */
  readonly keepsWords?: boolean;
}

interface Piece extends Span {
  readonly width: number;
  readonly kind: "space" | "word" | "wide";
}

const PRINTABLE_ASCII = /^[ -~]*$/;
/** Spaces, one of our own style sequences, or a word. */
const RUN = / +|\u001b\[[\d;]*m|[^ \u001b]+|\u001b/g;
const TAB = "    ";

export const unpainted: Paint = (text) => text;

export function plainSpan(text: string): Span {
  return { text, paint: unpainted };
}

export function wrapSpans(spans: readonly Span[], margins: Margins): Row[] {
  const builder = new RowBuilder(margins);
  let word: Piece[] = [];
  for (const piece of spans.flatMap(piecesOf)) {
    if (piece.kind === "word" || (piece.kind === "wide" && margins.keepsWords === true)) {
      word.push(piece);
      continue;
    }
    builder.addWord(word);
    word = [];
    if (piece.kind === "space") builder.addSpace(piece);
    else builder.addWord([piece]);
  }
  builder.addWord(word);
  return builder.end();
}

function piecesOf(span: Span): Piece[] {
  const runs = span.text.replaceAll("\t", TAB).match(RUN) ?? [];
  return runs.flatMap((run) => piecesOfRun(run, span.paint));
}

function piecesOfRun(run: string, paint: Paint): Piece[] {
  if (run.startsWith(" ")) return [{ text: run, paint, width: run.length, kind: "space" }];
  if (PRINTABLE_ASCII.test(run)) return [{ text: run, paint, width: run.length, kind: "word" }];
  if (run.startsWith("\u001b")) return [{ text: run, paint, width: 0, kind: "word" }];
  return Array.from(clustersOf(run), (text) => {
    const width = displayWidth(text);
    return { text, paint, width, kind: width > 1 ? "wide" : "word" };
  });
}

class RowBuilder {
  readonly #rows: Row[] = [];
  #pieces: Piece[] = [];
  #width = 0;
  #spaces: Piece[] = [];

  constructor(private readonly margins: Margins) {}

  addSpace(space: Piece): void {
    this.#spaces.push(space);
  }

  addWord(word: readonly Piece[]): void {
    if (word.length === 0) return;
    const width = widthOf(word);
    if (this.#width + widthOf(this.#spaces) + width > this.#room && this.#width > 0) this.#endRow();
    this.#takeSpaces();
    if (this.#width + width <= this.#room || this.margins.keepsWords === true) this.#append(word);
    else for (const piece of word) this.#appendCut(piece);
  }

  end(): Row[] {
    this.#endRow();
    return this.#rows;
  }

  get #margin(): Span {
    return this.#rows.length === 0 ? this.margins.first : this.margins.rest;
  }

  /** At least two columns, so that a wide character always finds its place. */
  get #room(): number {
    return Math.max(2, this.margins.columns - displayWidth(this.#margin.text));
  }

  #takeSpaces(): void {
    if (widthOf(this.#spaces) < this.#room) this.#append(this.#spaces);
    this.#spaces = [];
  }

  #append(pieces: readonly Piece[]): void {
    this.#pieces.push(...pieces);
    this.#width += widthOf(pieces);
  }

  #appendCut(piece: Piece): void {
    for (const text of clustersOf(piece.text)) {
      const width = displayWidth(text);
      if (this.#width + width > this.#room) this.#endRow();
      this.#append([{ ...piece, text, width }]);
    }
  }

  #endRow(): void {
    const margin = this.#margin;
    this.#rows.push({
      shown: margin.paint(margin.text) + painted(this.#pieces),
      plain: this.#pieces.map(({ text }) => text).join(""),
    });
    this.#pieces = [];
    this.#width = 0;
    this.#spaces = [];
  }
}

function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { width }) => sum + width, 0);
}

/** Neighbours of one style are painted at once. */
function painted(pieces: readonly Piece[]): string {
  let shown = "";
  for (let index = 0; index < pieces.length;) {
    const paint = pieces[index]?.paint ?? unpainted;
    let text = "";
    for (; index < pieces.length && pieces[index]?.paint === paint; index += 1) text += pieces[index]?.text ?? "";
    shown += paint(text);
  }
  return shown;
}
