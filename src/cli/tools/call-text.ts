/** A call as a person reads it before it is made: name, and an argument a line. Safe text; long values are folded, and can be unfolded. */
import type { JsonObject } from "../../model/json.js";
import { formatCount } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";

export interface ShownCall {
  readonly lines: readonly string[];
  /** Whether something of it is not shown. */
  readonly isFolded: boolean;
}

const MAX_ARGUMENTS = 12;

export function callLines(name: string, args: JsonObject, columns: number): ShownCall {
  const entries = Object.entries(args);
  const shown = entries
    .slice(0, MAX_ARGUMENTS)
    .map(([key, value]) => folded(`  ${key}: ${JSON.stringify(value)}`, columns));
  const more = entries.length - shown.length;
  return {
    lines: [
      `⚙ ${toSafeLine(name)}`,
      ...shown.map(({ line }) => line),
      ...(more > 0 ? [`  … and ${formatCount(more)} more arguments`] : []),
    ],
    isFolded: more > 0 || shown.some(({ isCut }) => isCut),
  };
}

/** All of it, each character where it can be seen. */
export function wholeCall(args: JsonObject): string[] {
  return JSON.stringify(args, null, 2).split("\n").map(toSafeLine);
}

function folded(text: string, columns: number): { readonly line: string; readonly isCut: boolean } {
  const line = toSafeLine(text.slice(0, columns * 4));
  const cut = truncateToWidth(line, columns - 1);
  return { line: cut, isCut: cut !== line || text.length > columns * 4 };
}
