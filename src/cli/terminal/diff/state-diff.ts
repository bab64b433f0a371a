/**
 * The difference of two states as a person reads it: a summary, then message by message with words coloured. An answer
 * that was continued is one message, and a partial answer is one too; what the agent keeps to stream is not shown.
 */
import { changedFields, compareMessages, countChanges, type MessageChange } from "../../../model/compare.js";
import { isContinuation } from "../../../model/continued.js";
import { textOf } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { shownMessages } from "../../../model/shown.js";
import { pluralize } from "../text/format.js";
import { toSafeLine, toSafeText } from "../text/safe-text.js";
import type { Paint, Style } from "../text/style.js";
import { wrapText } from "../text/wrap-text.js";
import { plainSpan, wrapSpans } from "../text/wrap.js";
import { truncateToWidth } from "../text/width.js";
import { renderWordDiff } from "./word-diff.js";

export interface DiffLook {
  readonly style: Style;
  /** Of the terminal; undefined breaks no line. */
  readonly columns: number | undefined;
}

/** Derived from the messages, or shown as the partial answer. */
const DERIVED = new Set(["currentNarrative", "streamingProperties"]);

/** Empty if a person sees no difference. */
export function renderStateDiff(from: JsonObject, to: JsonObject, look: DiffLook): string {
  const [before, after] = [readable(from), readable(to)];
  const messages = compareMessages(before, after)
    .map((change) => renderChange(change, look))
    .filter((text) => text !== "");
  const summary = wrapText(renderStat(from, to), look.columns);
  return summary === "" ? "" : [look.style.dim(summary), ...messages].join("\n\n");
}

/** One line: `2 messages added, 1 edited; also changed: topic`. Empty if a person sees no difference. */
export function renderStat(from: JsonObject, to: JsonObject): string {
  const counts = countChanges(readable(from), readable(to));
  const counted = (["added", "removed", "edited", "moved"] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind, index) => `${index === 0 ? pluralize(counts[kind], "message") : counts[kind]} ${kind}`);
  const fields = changedFields(from, to).filter((name) => !DERIVED.has(name));
  const named = fields.map(toSafeLine).join(", ");
  if (counted.length === 0) return fields.length === 0 ? "" : `changed: ${named}`;
  return counted.join(", ") + (fields.length === 0 ? "" : `; also changed: ${named}`);
}

/** The state with its messages as a person counts them. */
function readable(state: JsonObject): JsonObject {
  const messages = shownMessages(state);
  const joined: Json[] = [];
  for (const [index, message] of messages.entries()) {
    const last = joined.at(-1);
    if (last !== undefined && isContinuation(messages, index)) joined.splice(-1, 1, continued(last, message));
    else joined.push(message);
  }
  return { ...state, messages: joined };
}

function continued(before: Json, message: Json): Json {
  if (!isJsonObject(before) || !isJsonObject(message)) return message;
  const status = ownValue(message, "status");
  return { ...before, content: contentOf(before) + contentOf(message), ...(status === undefined ? {} : { status }) };
}

function renderChange(change: MessageChange, look: DiffLook): string {
  const { style } = look;
  switch (change.kind) {
    case "same":
      return "";
    case "added":
      return whole("+", style.green, change.message, look);
    case "removed":
      return whole("-", style.red, change.message, look);
    case "moved":
      return style.yellow(
        `↕ ${roleOf(change.message)} moved: ${truncateToWidth(toSafeLine(contentOf(change.message)), 60)}`,
      );
    case "edited":
      return edited(change.before, change.message, look);
  }
}

/** The mark stands before each row, however the lines are broken. */
function whole(mark: string, paint: Paint, message: Json, { columns }: DiffLook): string {
  const lines = [`${roleOf(message)}:`, ...toSafeText(contentOf(message)).split("\n")];
  const margin = plainSpan(`${mark} `);
  const rows = lines.flatMap((line) =>
    columns === undefined
      ? [`${mark} ${line}`]
      : wrapSpans([plainSpan(line)], { columns, first: margin, rest: margin }).map(({ shown }) => shown),
  );
  return rows.map(paint).join("\n");
}

function edited(before: Json, after: Json, { style, columns }: DiffLook): string {
  const fields = changedBesideContent(before, after);
  const also = fields.length === 0 ? "" : style.dim(` (${fields.map(toSafeLine).join(", ")})`);
  const words = renderWordDiff(contentOf(before), contentOf(after), style);
  return `${style.yellow(`~ ${roleOf(after)}:`)}${also}\n${wrapText(words, columns)}`;
}

/** `interrupted → complete`, and the names of other fields. */
function changedBesideContent(before: Json, after: Json): string[] {
  if (!isJsonObject(before) || !isJsonObject(after)) return [];
  const withoutContent = ({ content: _content, ...rest }: JsonObject): JsonObject => rest;
  return changedFields(withoutContent(before), withoutContent(after)).map((name) =>
    name === "status" ? `${statusIn(before)} → ${statusIn(after)}` : name,
  );
}

function statusIn(message: JsonObject): string {
  return textOf(ownValue(message, "status") ?? "complete");
}

function roleOf(message: Json): string {
  return isJsonObject(message) ? toSafeLine(textOf(ownValue(message, "role"))) : "message";
}

function contentOf(message: Json): string {
  return isJsonObject(message) ? textOf(ownValue(message, "content")) : JSON.stringify(message);
}
