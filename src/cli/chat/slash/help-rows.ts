/** The list of commands as wide as the terminal: the summary beside each name, or below it if there is little room. */
import type { Style } from "../../terminal/text/style.js";
import { plainSpan, wrapSpans, type Span } from "../../terminal/text/wrap.js";

export interface HelpEntry {
  readonly usage: string;
  readonly summary: string;
}

/** The least a summary beside its command may have. */
const LEAST_ROOM = 34;
const BELOW = "    ";

export function helpRows(entries: readonly HelpEntry[], columns: number, { bold }: Style): string[] {
  const width = Math.max(...entries.map(({ usage }) => usage.length)) + 2;
  const isWide = columns - width >= LEAST_ROOM;
  return entries.flatMap(({ usage, summary }) =>
    isWide
      ? rowsOf(summary, columns, { text: usage.padEnd(width), paint: bold }, " ".repeat(width))
      : [bold(usage), ...rowsOf(summary, columns, plainSpan(BELOW), BELOW)],
  );
}

function rowsOf(text: string, columns: number, first: Span, rest: string): string[] {
  return wrapSpans([plainSpan(text)], { columns, first, rest: plainSpan(rest) }).map(({ shown }) => shown);
}
