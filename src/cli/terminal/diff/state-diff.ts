/** The difference of two states as a person reads it: message by message, words coloured, then the other fields. */
import { changedFields, compareMessages, countChanges, type MessageChange } from "../../../model/compare.js";
import { textOf } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { pluralize } from "../text/format.js";
import { toSafeLine, toSafeText } from "../text/safe-text.js";
import type { Paint, Style } from "../text/style.js";
import { truncateToWidth } from "../text/width.js";
import { renderWordDiff } from "./word-diff.js";

function roleOf(message: Json): string {
  return isJsonObject(message) ? toSafeLine(textOf(ownValue(message, "role"))) : "message";
}

function contentOf(message: Json): string {
  return isJsonObject(message) ? textOf(ownValue(message, "content")) : JSON.stringify(message);
}

function whole(mark: string, paint: Paint, message: Json): string {
  const lines = toSafeText(contentOf(message))
    .split("\n")
    .map((line) => paint(`${mark} ${line}`));
  return [paint(`${mark} ${roleOf(message)}:`), ...lines].join("\n");
}

function changedBesideContent(before: Json, after: Json): string[] {
  if (!isJsonObject(before) || !isJsonObject(after)) return [];
  const withoutContent = ({ content: _content, ...rest }: JsonObject): JsonObject => rest;
  return changedFields(withoutContent(before), withoutContent(after));
}

function renderChange(change: MessageChange, style: Style): string {
  switch (change.kind) {
    case "same":
      return "";
    case "added":
      return whole("+", style.green, change.message);
    case "removed":
      return whole("-", style.red, change.message);
    case "moved":
      return style.yellow(
        `↕ ${roleOf(change.message)} moved: ${truncateToWidth(toSafeLine(contentOf(change.message)), 60)}`,
      );
    case "edited": {
      const fields = changedBesideContent(change.before, change.message);
      const also = fields.length === 0 ? "" : style.dim(` (${fields.map(toSafeLine).join(", ")})`);
      return `${style.yellow(`~ ${roleOf(change.message)}:`)}${also}\n${renderWordDiff(contentOf(change.before), contentOf(change.message), style)}`;
    }
  }
}

export function renderStat(from: JsonObject, to: JsonObject): string {
  const { added, removed, edited, moved, fields } = countChanges(from, to);
  return `${pluralize(added, "message")} added, ${removed} removed, ${edited} edited, ${moved} moved; ${pluralize(fields, "other field")} changed`;
}

export function renderStateDiff(from: JsonObject, to: JsonObject, style: Style): string {
  const messages = compareMessages(from, to)
    .map((change) => renderChange(change, style))
    .filter((text) => text !== "");
  const fields = changedFields(from, to);
  const other = fields.length === 0 ? [] : [style.dim(`also changed: ${fields.map(toSafeLine).join(", ")}`)];
  return [...messages, ...other].join("\n\n");
}
