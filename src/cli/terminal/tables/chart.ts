/** Numbers as small pictures, in block characters: a line of bars, and bars one below the other. */
import { paddingFor } from "../text/width.js";

const HEIGHTS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** One character a value; what is not zero is seen, however small. */
export function sparkline(values: readonly number[]): string {
  const highest = Math.max(0, ...values);
  return values
    .map((value) => {
      if (value <= 0 || highest === 0) return " ";
      return HEIGHTS[Math.min(HEIGHTS.length - 1, Math.floor((value / highest) * HEIGHTS.length))] ?? "█";
    })
    .join("");
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly shown: string;
}

/** Names right, the longest bar as wide as allowed. */
export function barChart(bars: readonly Bar[], width: number): string {
  const longest = Math.max(0, ...bars.map(({ value }) => value));
  const names = Math.max(0, ...bars.map(({ name }) => name.length));
  return bars
    .map(({ name, value, shown }) => {
      const eighths = longest === 0 ? 0 : Math.max(value > 0 ? 1 : 0, Math.round((value / longest) * width * 8));
      const bar = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
      return `${paddingFor(name, names)}${name} ${bar}${bar === "" ? "" : " "}${shown}`;
    })
    .join("\n");
}
