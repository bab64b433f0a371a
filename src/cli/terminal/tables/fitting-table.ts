/** A table of which a narrow terminal shows the columns that matter most, each readable, rather than all of them cut. */
import { COLUMN_GAP } from "./column-widths.js";
import { toSafeLine } from "../text/safe-text.js";
import type { Style } from "../text/style.js";
import { wrapText } from "../text/wrap-text.js";
import { renderTable, type TableColumn } from "./table.js";
import { displayWidth } from "../text/width.js";

export interface FittingColumn<Row> extends TableColumn {
  readonly cell: (row: Row, index: number) => string;
  /** The column with the highest number is dropped first if there is no room; 0 is always kept. */
  readonly dispensable: number;
}

/** Columns that a shrinkable column gets before others go … */
const ROOM = 24;
/** … and what it must do with before the last that can go does. */
const LEAST_ROOM = 12;

export interface FittingTable<Row> {
  readonly columns: readonly FittingColumn<Row>[];
  readonly rows: readonly Row[];
  /** The terminal's columns; undefined for a pipe, which shows all. */
  readonly width: number | undefined;
  readonly style: Style;
}

export function renderFittingTable<Row>(table: FittingTable<Row>): string {
  const { rows, width, style } = table;
  const columns = thatFit(table);
  const shown = renderTable({
    style,
    width,
    columns,
    rows: rows.map((row, index) => columns.map(({ cell }) => cell(row, index))),
  });
  const leftOut = table.columns.filter((column) => !columns.includes(column)).map(({ title }) => title);
  return leftOut.length === 0
    ? shown
    : `${shown}\n${wrapText(missing(leftOut), width).split("\n").map(style.dim).join("\n")}`;
}

function missing(titles: readonly string[]): string {
  return `no room for ${titles.join(", ")}: widen the terminal, or use --json`;
}

function thatFit<Row>({ columns, rows, width }: FittingTable<Row>): readonly FittingColumn<Row>[] {
  if (width === undefined) return columns;
  const naturals = new Map(columns.map((column) => [column, widthOf(column, rows)]));
  const needed = (chosen: readonly FittingColumn<Row>[], room: number): number =>
    chosen.reduce(
      (sum, column) => sum + Math.min(naturals.get(column) ?? 0, column.shrink === true ? room : Infinity) + COLUMN_GAP,
      -COLUMN_GAP,
    );
  let chosen = columns;
  for (let level = Math.max(...columns.map(({ dispensable }) => dispensable)); level > 0; level -= 1) {
    if (needed(chosen, level === 1 ? LEAST_ROOM : ROOM) <= width) return chosen;
    chosen = chosen.filter(({ dispensable }) => dispensable < level);
  }
  return chosen;
}

function widthOf<Row>({ title, cell }: FittingColumn<Row>, rows: readonly Row[]): number {
  return rows.reduce(
    (widest, row, index) => Math.max(widest, displayWidth(toSafeLine(cell(row, index)))),
    displayWidth(title),
  );
}
