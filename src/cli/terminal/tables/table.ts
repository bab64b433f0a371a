/**
 * Rows in aligned columns, without borders, as `docker ps` and `gh` show them. On a terminal no line is wider than it;
 * into a pipe (no width) nothing is cut and nothing coloured. Cells are made safe here once more; colours come last,
 * after measuring.
 *
 * cli-table3 is bypassed: it cuts and fills even cells that are ready by the measure of string-width 4, which takes newer
 * emoji for one column (U+1FAE9) and Thai marks, conjoining Hangul and zero-width characters for columns they do not take.
 * Without borders all that is left for it is a join, and for 4,000 rows of 8 cells it needs over 4 s (0.6.5), this 0.2 s.
 */
import { COLUMN_GAP, planColumnWidths } from "./column-widths.js";
import { toSafeLine } from "../text/safe-text.js";
import type { Style } from "../text/style.js";
import { displayWidth, paddingFor, truncateToWidth, type Alignment } from "../text/width.js";

export interface TableColumn {
  readonly title: string;
  /** Default: left. */
  readonly align?: Alignment;
  /** Whether its cells may be cut to make the table fit. */
  readonly shrink?: boolean;
  /** The narrowest it becomes before the terminal counts as too small; default: 8. */
  readonly minimum?: number;
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
export function renderTable({ columns, rows, width, style }: Table): string {
  const titles = columns.map(({ title }) => toSafeLine(title));
  const cells = rows.map((row) => columns.map((_, index) => toSafeLine(row[index] ?? "")));
  const demands = columns.map((column, index) => ({ ...column, natural: widestOf(index, [titles, ...cells]) }));
  const widths = width === undefined ? demands.map(({ natural }) => natural) : planColumnWidths(demands, width);
  const colored = width !== undefined && style.colored;
  const header = columns.map((column) => ({ ...column, paint: style.bold }));
  return [
    renderLine(colored ? header : withoutPaint(columns), titles, widths),
    ...cells.map((row) => renderLine(colored ? columns : withoutPaint(columns), row, widths)),
  ].join("\n");
}

function widestOf(index: number, lines: readonly (readonly string[])[]): number {
  return lines.reduce((widest, line) => Math.max(widest, displayWidth(line[index] ?? "")), 0);
}

function withoutPaint(columns: readonly TableColumn[]): readonly TableColumn[] {
  return columns.map(({ title, align }) => ({ title, align: align ?? "left" }));
}

function renderLine(columns: readonly TableColumn[], cells: readonly string[], widths: readonly number[]): string {
  const parts = widths.map((width, index) => renderCell(columns[index], cells[index] ?? "", width));
  return parts.join(" ".repeat(COLUMN_GAP)).trimEnd();
}

function renderCell(column: TableColumn | undefined, cell: string, width: number): string {
  const shown = truncateToWidth(cell, width);
  const padding = paddingFor(shown, width);
  const painted = column?.paint?.(shown, cell) ?? shown;
  return column?.align === "right" ? padding + painted : painted + padding;
}
