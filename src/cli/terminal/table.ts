/**
 * Rows in aligned columns, without borders, as `docker ps` and `gh` show them. On a terminal no line is wider than it;
 * into a pipe (no width) nothing is cut and nothing coloured. Cells are made safe here once more; colours come last,
 * after measuring.
 *
 * cli-table3 is bypassed: it cuts and fills even cells that are ready by the measure of string-width 4, which takes newer
 * emoji for one column (U+1FAE9) and Thai marks, conjoining Hangul and zero-width characters for columns they do not take.
 * Without borders all that is left for it is a join, and for 4,000 rows of 8 cells it needs over 4 s (0.6.5), this 0.2 s.
 */
import { COLUMN_GAP, columnsThatFit, planColumnWidths } from "./column-widths.js";
import { toSafeLine } from "./safe-text.js";
import type { Style } from "./style.js";
import { displayWidth, paddingFor, truncateMiddle, truncateToWidth, type Alignment } from "./width.js";

export interface TableColumn {
  readonly title: string;
  /** Left, unless said. */
  readonly align?: Alignment;
  /** Whether its cells may be cut to make the table fit. */
  readonly shrink?: boolean;
  /** How narrow it becomes before the terminal is simply too small; 8 unless said. Without `shrink`: when all others gave way. */
  readonly minimum?: number;
  /** Left out the sooner, the higher, where the terminal is narrow; left out, it stays. */
  readonly dispensable?: number;
  /** The width it is to have before others are left out for it; its minimum unless said. */
  readonly room?: number;
  /** Where a cell too wide is cut: at its end, unless said. */
  readonly cut?: "middle";
  /** Colours a cell: given the text as shown (perhaps cut), and the whole cell to decide by. */
  readonly paint?: (shown: string, cell: string) => string;
}

export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
  /** The terminal's columns; undefined for a pipe. */
  readonly width: number | undefined;
  readonly style: Style;
}

/** The lines of the table, its titles first, joined by newlines; no newline at the end. */
export function renderTable({ columns: all, rows, width, style }: Table): string {
  const allTitles = all.map(({ title }) => toSafeLine(title));
  const allCells = rows.map((row) => all.map((_, index) => toSafeLine(row[index] ?? "")));
  const allDemands = all.map((column, index) => ({ ...column, natural: widestOf(index, [allTitles, ...allCells]) }));
  const places = width === undefined ? all.map((_, index) => index) : columnsThatFit(allDemands, width);
  const [columns, titles, demands] = [pick(all, places), pick(allTitles, places), pick(allDemands, places)];
  const cells = allCells.map((row) => pick(row, places));
  const widths = width === undefined ? demands.map(({ natural }) => natural) : planColumnWidths(demands, width);
  const colored = width !== undefined && style.colored;
  const header = columns.map((column) => ({ ...column, paint: style.bold }));
  return [
    renderLine(colored ? header : withoutPaint(columns), titles, widths),
    ...cells.map((row) => renderLine(colored ? columns : withoutPaint(columns), row, widths)),
  ].join("\n");
}

function pick<T>(all: readonly T[], places: readonly number[]): T[] {
  return all.filter((_, index) => places.includes(index));
}

function widestOf(index: number, lines: readonly (readonly string[])[]): number {
  return lines.reduce((widest, line) => Math.max(widest, displayWidth(line[index] ?? "")), 0);
}

function withoutPaint(columns: readonly TableColumn[]): readonly TableColumn[] {
  return columns.map(({ title, align, cut }) => ({ title, align: align ?? "left", ...(cut === undefined ? {} : { cut }) }));
}

function renderLine(columns: readonly TableColumn[], cells: readonly string[], widths: readonly number[]): string {
  const parts = widths.map((width, index) => renderCell(columns[index], cells[index] ?? "", width));
  return parts.join(" ".repeat(COLUMN_GAP)).trimEnd();
}

function renderCell(column: TableColumn | undefined, cell: string, width: number): string {
  const shown = column?.cut === "middle" ? truncateMiddle(cell, width) : truncateToWidth(cell, width);
  const padding = paddingFor(shown, width);
  const painted = column?.paint?.(shown, cell) ?? shown;
  return column?.align === "right" ? padding + painted : painted + padding;
}
