/**
 * Lines broken between words to fit a number of columns. Code between fences stays as it is, and so does a word that is
 * wider than a line: the terminal breaks it. Takes safe text, with our own styles or without.
 */
import { visibleWidth } from "./width.js";
import { plainSpan, wrapSpans } from "./wrap.js";

const FENCE = /^\s*(?:```|~~~)/;

/** Without columns, as into a pipe, nothing is broken. */
export function wrapText(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  let inCode = false;
  return text
    .split("\n")
    .map((line) => {
      const isFence = FENCE.test(line);
      if (isFence) inCode = !inCode;
      return inCode || isFence ? line : wrapLine(line, columns);
    })
    .join("\n");
}

function wrapLine(line: string, columns: number): string {
  if (visibleWidth(line) <= columns) return line;
  const none = plainSpan("");
  const rows = wrapSpans([plainSpan(line)], { columns, first: none, rest: none, keepsWords: true });
  return rows.map(({ shown }) => shown).join("\n");
}
