/**
 * Text that streams in, as rows of a terminal: those that stand for good, and those that may still change with what
 * comes next, which are few. Words are wrapped; Markdown is read line by line where it is wanted. All text is shown once
 * and in order, however it was cut and however the terminal was resized. Pure; takes safe text.
 */
import {
  closesFence,
  fenceOf,
  isRule,
  isTableRow,
  lookOf,
  paragraph,
  ruleRow,
  type LineLook,
} from "../markdown/line.js";
import { inlineSpans, mayChange } from "../markdown/inline.js";
import { tableRows } from "../markdown/table.js";
import type { Style } from "../text/style.js";
import { displayWidth } from "../text/width.js";
import { clustersOf } from "../text/clusters.js";
import { wrapSpans, type Row } from "../text/wrap.js";

export interface LayoutOptions {
  readonly markdown: boolean;
  readonly style: Style;
  readonly columns: number;
  /** The most rows that may stay open to change. */
  readonly maxLive: number;
}

/** Long pieces are taken in parts, so that a row costs its own length. */
const PART = 200;
/** Beyond this a table is shown row by row as it was written. */
const MAX_TABLE_LINES = 200;

export class AnswerLayout {
  /** Of the source, from the beginning of the line or from where its last standing row ends. */
  #line = "";
  /** How a line continues whose first rows are permanent already. */
  #continued: Omit<LineLook, "body"> | undefined;
  #fence: string | undefined;
  #table: string[] = [];
  #standing: string[] = [];
  #columns: number;
  #maxLive: number;

  constructor(private readonly options: LayoutOptions) {
    this.#columns = options.columns;
    this.#maxLive = options.maxLive;
  }

  resize(columns: number, maxLive: number): void {
    this.#columns = columns;
    this.#maxLive = maxLive;
  }

  push(text: string): void {
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) this.#endLine();
      for (let start = 0; start < line.length; start += PART) {
        this.#line += line.slice(start, start + PART);
        this.#settle();
      }
    }
  }

  end(): void {
    if (this.#line !== "") this.#endLine();
    this.#endTable();
  }

  /** The rows that became permanent since the last call. */
  take(): string[] {
    const rows = this.#standing;
    this.#standing = [];
    return rows;
  }

  /** The rows that the next piece of text may change. */
  live(): string[] {
    if (this.#table.length > 0) return [...this.#tableRows(), ...(this.#line === "" ? [] : [this.#line])];
    return this.#line === "" ? [] : this.#rowsOfLine();
  }

  #endLine(): void {
    const line = this.#line;
    const begins = this.#continued === undefined;
    if (this.#fence !== undefined) this.#endCodeLine(line, this.#fence);
    else if (begins && this.options.markdown && isTableRow(line) && this.#table.length < MAX_TABLE_LINES)
      this.#table.push(line);
    else {
      this.#endTable();
      this.#standing.push(...this.#rowsOfLine());
      this.#fence = begins && this.options.markdown ? fenceOf(line) : undefined;
    }
    this.#line = "";
    this.#continued = undefined;
  }

  #endCodeLine(line: string, fence: string): void {
    const closes = this.#continued === undefined && closesFence(line, fence);
    this.#standing.push(this.#codeRow(line, closes));
    if (closes) this.#fence = undefined;
  }

  #codeRow(line: string, isMark: boolean): string {
    const { style } = this.options;
    return isMark ? style.dim(line) : style.cyan(line);
  }

  #endTable(): void {
    if (this.#table.length === 0) return;
    this.#standing.push(...this.#tableRows());
    this.#table = [];
  }

  #tableRows(): string[] {
    return (
      tableRows(this.#table, this.#columns, this.options.style) ??
      this.#table.flatMap((line) => shownOf(this.#wrap(paragraph(line))))
    );
  }

  #rowsOfLine(): string[] {
    const { markdown, style } = this.options;
    const line = this.#line;
    if (this.#fence !== undefined) return [this.#codeRow(line, false)];
    if (markdown && this.#continued === undefined && fenceOf(line) !== undefined) return [style.dim(line)];
    if (markdown && this.#continued === undefined && isRule(line)) return [ruleRow(this.#columns, style)];
    return shownOf(this.#wrap(this.#look()));
  }

  #look(): LineLook {
    if (this.#continued !== undefined) return { ...this.#continued, body: this.#line };
    return this.options.markdown ? lookOf(this.#line, this.options.style) : paragraph(this.#line);
  }

  #wrap({ first, rest, base, body }: LineLook): Row[] {
    const spans = this.options.markdown ? inlineSpans(body, this.options.style, base) : [{ text: body, paint: base }];
    return wrapSpans(spans, { columns: this.#columns, first, rest });
  }

  /** Lets rows of the current line stand: those that are full and sure, and beyond `maxLive` also the others. */
  #settle(): void {
    if (this.#table.length > 0 && !isTableRow(this.#line)) this.#endTable();
    if (this.#table.length > 0) return;
    if (this.#fence !== undefined) this.#settleCode();
    else while (this.#settleRow());
  }

  /** Code is not wrapped; but a line that fills the terminal is cut, since what has left the view cannot change any more. */
  #settleCode(): void {
    while (displayWidth(this.#line) > this.#columns * this.#maxLive) {
      const end = largestFitting(
        boundariesIn(this.#line),
        (at) => displayWidth(this.#line.slice(0, at)) <= this.#columns,
      );
      if (end === undefined) return;
      this.#standing.push(this.#codeRow(this.#line.slice(0, end), false));
      this.#line = this.#line.slice(end);
      this.#continued ??= paragraph("");
    }
  }

  #settleRow(): boolean {
    const look = this.#look();
    const rows = this.#wrap(look);
    const [row] = rows;
    if (row === undefined || rows.length < 2) return false;
    const forced = rows.length > this.#maxLive;
    if (!forced && this.options.markdown && mayChange(row.plain)) return false;
    const end = this.#endOfRow(look, forced ? undefined : row);
    if (end === undefined) return false;
    const [standing] = this.#wrap({ ...look, body: look.body.slice(0, end) });
    this.#standing.push(standing?.shown ?? "");
    this.#line = look.body.slice(end);
    this.#continued = { first: look.rest, rest: look.rest, base: look.base };
    return true;
  }

  /** Where in the source the first row ends: read by itself, what is before it must show as this row, if one is given. */
  #endOfRow(look: LineLook, row: Row | undefined): number | undefined {
    const fits = (at: number): boolean => this.#wrap({ ...look, body: look.body.slice(0, at) }).length === 1;
    const places = breaksIn(look.body);
    const end = largestFitting(places, fits) ?? largestFitting(boundariesIn(look.body), fits);
    if (end === undefined || row === undefined) return end;
    return this.#wrap({ ...look, body: look.body.slice(0, end) })[0]?.plain === row.plain ? end : undefined;
  }
}

function shownOf(rows: readonly Row[]): string[] {
  return rows.map(({ shown }) => shown);
}

/** The last of these rising places that fits, where all before it fit too. */
function largestFitting(places: readonly number[], fits: (place: number) => boolean): number | undefined {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(places[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return places[low - 1];
}

/** Where words begin, and where a wide character begins or ends. */
function breaksIn(text: string): number[] {
  const places: number[] = [];
  let [at, before] = [0, ""];
  for (const cluster of clustersOf(text)) {
    const isWordStart = before === " " && cluster !== " ";
    const isBesideWide = before !== "" && cluster !== " " && (displayWidth(cluster) > 1 || displayWidth(before) > 1);
    if (isWordStart || isBesideWide) places.push(at);
    at += cluster.length;
    before = cluster;
  }
  return places;
}

function boundariesIn(text: string): number[] {
  let at = 0;
  return Array.from(clustersOf(text), (cluster) => (at += cluster.length));
}
