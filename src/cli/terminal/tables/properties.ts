/** Names and values in two columns, without borders. Values are made safe and never cut. */
import { toSafeLine } from "../text/safe-text.js";
import type { Style } from "../text/style.js";

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

export interface Property {
  readonly name: string;
  readonly value: string;
  readonly paint?: (text: string) => string;
}

export async function renderProperties(properties: readonly Property[], style: Style): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const { name, value, paint = (text: string): string => text } of properties)
    table.push([style.dim(toSafeLine(name)), paint(toSafeLine(value))]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
