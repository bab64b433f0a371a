/** A difference as it fits a terminal: broken between words, colours left out of the count, a rest that does not fit named. */
import { visibleWidth } from "../text/width.js";
import { wrapText } from "../text/wrap-text.js";

export function wrapDiff(text: string, columns: number | undefined): string {
  return wrapText(text, columns, visibleWidth);
}

export interface Beginning {
  readonly text: string;
  /** Lines left out. */
  readonly more: number;
}

/** As many lines as fit. */
export function beginningOf(text: string, columns: number, rows: number): Beginning {
  const lines = wrapDiff(text, columns).split("\n");
  return lines.length <= rows
    ? { text: lines.join("\n"), more: 0 }
    : { text: lines.slice(0, rows - 1).join("\n"), more: lines.length - rows + 1 };
}
