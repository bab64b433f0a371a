/**
 * Two texts as one, words removed and added marked: `[-removed-]{+added+}` as git does it, or red and green on a terminal.
 * Every changed line is marked by itself, so that a pager shows it right; a change that is only a line break shows as `↵`.
 * Compares what is stored and makes each piece safe afterwards, so two texts that differ never look the same for it.
 */
import { diffWordsWithSpace } from "diff";
import { toSafeText } from "../text/safe-text.js";
import type { Paint, Style } from "../text/style.js";

/** Time and memory grow with the square of the edits: texts further apart than this are shown as a whole, one after the other. */
const MAX_EDITS = 2_000;
const LINE_BREAK = "↵";

interface Marks {
  readonly removed: Paint;
  readonly added: Paint;
}

interface Change {
  readonly value: string;
  readonly added: boolean;
  readonly removed: boolean;
}

export function renderWordDiff(before: string, after: string, style: Style): string {
  const marks = style.colored ? coloredMarks(style) : plainMarks;
  return compareWords(before, after)
    .map((change) => renderChange(change, marks))
    .join("");
}

function compareWords(before: string, after: string): readonly Change[] {
  return diffWordsWithSpace(before, after, { maxEditLength: MAX_EDITS }) ?? replaceWhole(before, after);
}

function replaceWhole(before: string, after: string): readonly Change[] {
  return [
    { value: before, added: false, removed: true },
    { value: after, added: true, removed: false },
  ];
}

function renderChange({ value, added, removed }: Change, marks: Marks): string {
  const text = toSafeText(value);
  if (added) return markLines(text, marks.added);
  return removed ? markLines(text, marks.removed) : text;
}

function markLines(text: string, mark: Paint): string {
  const lines = text.split("\n");
  return lines.map((line, index) => markLine(line, index === lines.length - 1, mark)).join("\n");
}

function markLine(line: string, isLast: boolean, mark: Paint): string {
  if (line !== "") return mark(line);
  return isLast ? "" : mark(LINE_BREAK);
}

const plainMarks: Marks = {
  removed: (text) => `[-${text}-]`,
  added: (text) => `{+${text}+}`,
};

/** A changed space has no colour of its own to show: it is inverted. */
function coloredMarks(style: Style): Marks {
  const visible = (text: string): string => (text.trim() === "" ? style.inverse(text) : text);
  return {
    removed: (text) => style.red(visible(text)),
    added: (text) => style.green(visible(text)),
  };
}
