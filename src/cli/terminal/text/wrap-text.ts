/**
 * Lines broken between words to fit a number of columns. Code between fences stays as it is, and so does a word that is
 * wider than a line: the terminal breaks it. Takes safe text, with our own styles or without.
 */
import { visibleWidth } from "./width.js";
import { plainSpan, wrapSpans } from "./wrap.js";

const STYLE_SEQUENCE = /\u001b\[(\d+)m/g;
/** Which code ends the style that another began. */
const ENDS = [
  [/^[12]$/, 22],
  [/^3$/, 23],
  [/^4$/, 24],
  [/^7$/, 27],
  [/^(3|9)[0-7]$/, 39],
] as const;
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
  return carryStyles(rows.map(({ shown }) => shown)).join("\n");
}

/** Each row ends the styles it is in and the next begins them again: a pager shows rows in any order. */
function carryStyles(rows: readonly string[]): string[] {
  const open = new Map<string, string>();
  return rows.map((row) => {
    const begin = [...open.values()].join("");
    for (const [sequence, code = ""] of row.matchAll(STYLE_SEQUENCE)) {
      const end = ENDS.find(([begins]) => begins.test(code))?.[1];
      if (end === undefined) open.delete(sequence);
      else open.set(`\u001b[${end}m`, sequence);
    }
    return begin + row + [...open.keys()].reverse().join("");
  });
}
