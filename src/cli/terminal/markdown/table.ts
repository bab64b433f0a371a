/** A Markdown table as rows of a terminal: columns as wide as they need and fit, cells wrapped, none cut. Pure. */
import type { Token } from "markdown-it";
import { planColumnWidths } from "../tables/column-widths.js";
import { markdown, spansOf } from "./inline.js";
import type { Paint, Style } from "../text/style.js";
import { displayWidth, paddingFor } from "../text/width.js";
import { plainSpan, unpainted, wrapSpans, type Row, type Span } from "../text/wrap.js";

interface Cell {
  readonly spans: readonly Span[];
  readonly align: "left" | "right";
}

const GAP = "  ";

/** Undefined where these lines are no table. */
export function tableRows(lines: readonly string[], columns: number, style: Style): string[] | undefined {
  const tokens = markdown().parse(lines.join("\n"), {});
  if (tokens[0]?.type !== "table_open" || tokens.at(-1)?.type !== "table_close") return undefined;
  const table = cellsOf(tokens, style);
  const [head = []] = table;
  // Markdown drops cells for which there is no column; their text is not ours to lose.
  if (lines.some((line) => cellCount(line) > head.length)) return undefined;
  const widths = planColumnWidths(
    head.map((_, index) => ({ natural: widestIn(table, index), shrink: true, minimum: 8 })),
    columns,
  );
  // Not every column has room: printing the lines unchanged loses nothing.
  if (widths.length < head.length) return undefined;
  const ruler = style.dim(widths.map((width) => "─".repeat(width)).join(GAP));
  const [first = [], ...others] = table.map((row) => renderRow(row, widths));
  return [...first, ruler, ...others.flat()];
}

function cellCount(line: string): number {
  return line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "")
    .split(/(?<!\\)\|/).length;
}

function cellsOf(tokens: readonly Token[], style: Style): Cell[][] {
  const rows: Cell[][] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.type === "tr_open") rows.push([]);
    if (token.type !== "th_open" && token.type !== "td_open") continue;
    const base: Paint = token.type === "th_open" ? style.bold : unpainted;
    const align = String(token.attrGet("style")).includes("right") ? "right" : "left";
    rows.at(-1)?.push({ spans: spansOf(tokens[index + 1]?.children ?? [], style, base), align });
  }
  return rows;
}

function widestIn(table: readonly (readonly Cell[])[], index: number): number {
  const widths = table.map((row) => displayWidth((row[index]?.spans ?? []).map(({ text }) => text).join("")));
  return Math.max(1, ...widths);
}

function renderRow(cells: readonly Cell[], widths: readonly number[]): string[] {
  const blank = plainSpan("");
  const columns = widths.map((width, index) =>
    wrapSpans(cells[index]?.spans ?? [], { columns: width, first: blank, rest: blank }),
  );
  const height = Math.max(1, ...columns.map((rows) => rows.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, index) => renderCell(columns[index]?.[line], width, cells[index]?.align ?? "left"))
      .join(GAP)
      .trimEnd(),
  );
}

function renderCell(row: Row | undefined, width: number, align: Cell["align"]): string {
  const { shown, plain } = row ?? { shown: "", plain: "" };
  const padding = paddingFor(plain, width);
  return align === "right" ? padding + shown : shown + padding;
}
