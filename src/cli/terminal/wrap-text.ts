/**
 * Lines broken between words so that they fit a number of columns. Code between fences stays as it is, and so does a word
 * that is wider than a line: the terminal breaks that. For safe text without colours.
 */
import { displayWidth } from "./width.js";

const FENCE = /^\s*(?:```|~~~)/;
const WORDS = /\s*\S+/g;

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
  if (displayWidth(line) <= columns) return line;
  const lines: string[] = [];
  let current = "";
  let width = 0;
  for (const word of line.match(WORDS) ?? []) {
    const wide = displayWidth(word);
    if (current !== "" && width + wide > columns) {
      lines.push(current);
      current = word.trimStart();
      width = displayWidth(current);
    } else {
      current += word;
      width += wide;
    }
  }
  return [...lines, current].join("\n");
}
