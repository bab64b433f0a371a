/** The beginning of a difference, as many rows of it as a terminal has room for. */
import { wrapText } from "../text/wrap-text.js";

export interface Beginning {
  readonly text: string;
  /** Lines left out. */
  readonly more: number;
}

export function beginningOf(text: string, columns: number, rows: number): Beginning {
  const lines = wrapText(text, columns).split("\n");
  return lines.length <= rows
    ? { text: lines.join("\n"), more: 0 }
    : { text: lines.slice(0, rows - 1).join("\n"), more: lines.length - rows + 1 };
}
