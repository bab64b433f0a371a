/**
 * Lines broken between words so that they fit a number of columns. Code between fences stays as it is, and so does a word
 * that is wider than a line: the terminal breaks that. For safe text; with colours where `widthOf` leaves them out.
 */
import { displayWidth } from "./width.js";

const FENCE = /^\s*(?:```|~~~)/;
const WORDS = /\s*\S+/g;

export function wrapText(text: string, columns: number | undefined, widthOf = displayWidth): string {
  if (columns === undefined) return text;
  let inCode = false;
  return text
    .split("\n")
    .map((line) => {
      const isFence = FENCE.test(line);
      if (isFence) inCode = !inCode;
      return inCode || isFence ? line : wrapLine(line, columns, widthOf);
    })
    .join("\n");
}

function wrapLine(line: string, columns: number, widthOf: (text: string) => number): string {
  if (widthOf(line) <= columns) return line;
  const lines: string[] = [];
  let current = "";
  let width = 0;
  for (const word of line.match(WORDS) ?? []) {
    const wide = widthOf(word);
    if (current !== "" && width + wide > columns) {
      lines.push(current);
      current = word.trimStart();
      width = widthOf(current);
    } else {
      current += word;
      width += wide;
    }
  }
  return [...lines, current].join("\n");
}
