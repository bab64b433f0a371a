/** A message being edited as rows of a terminal, with the place of its cursor. Acting characters are made visible. Pure. */
import { toSafeLine } from "../text/safe-text.js";
import type { Place } from "../screen/screen.js";
import { displayWidth } from "../text/width.js";
import { clustersOf } from "../text/clusters.js";

export interface EditorView {
  readonly rows: readonly string[];
  readonly cursor: Place;
}

export interface Message {
  readonly text: string;
  /** In code units. */
  readonly cursor: number;
}

export const INDENT = 2;
const TAB = "  ";

/** Rows without the prompt, each `INDENT` columns shorter than the terminal. */
export function layOutMessage({ text, cursor }: Message, columns: number): EditorView {
  const room = Math.max(2, columns - INDENT);
  const rows = [""];
  let [width, at] = [0, 0];
  let place: Place | undefined;
  const newRow = (): void => {
    rows.push("");
    width = 0;
  };
  for (const cluster of clustersOf(text)) {
    const shown = cluster === "\t" ? TAB : cluster === "\n" ? "" : toSafeLine(cluster);
    if (width + displayWidth(shown) > room) newRow();
    if (at >= cursor) place ??= { row: rows.length - 1, column: width + INDENT };
    if (cluster === "\n") newRow();
    rows.push((rows.pop() ?? "") + shown);
    width += displayWidth(shown);
    at += cluster.length;
  }
  if (place === undefined && width >= room) newRow();
  return { rows, cursor: place ?? { row: rows.length - 1, column: width + INDENT } };
}

/** As many of the rows around the cursor as there is room for. */
export function windowOf(view: EditorView, height: number): EditorView {
  if (view.rows.length <= height) return view;
  const start = Math.min(Math.max(0, view.cursor.row - height + 1), view.rows.length - height);
  return { rows: view.rows.slice(start, start + height), cursor: { ...view.cursor, row: view.cursor.row - start } };
}
