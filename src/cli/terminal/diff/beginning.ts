/** The beginning of a difference, as many rows of it as a terminal has room for. */
export interface Beginning {
  readonly text: string;
  /** Lines left out. */
  readonly more: number;
}

export function beginningOf(text: string, rows: number): Beginning {
  const lines = text.split("\n");
  return lines.length <= rows
    ? { text, more: 0 }
    : { text: lines.slice(0, rows - 1).join("\n"), more: lines.length - rows + 1 };
}
