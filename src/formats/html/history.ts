/** The backups, newest first, each with what changed from it to the next: by message, words coloured, foldable. */
import { diffWordsWithSpace } from "diff";
import { changedFields, compareMessages, countChanges, type MessageChange } from "../../model/compare.js";
import { messagesOf, textOf } from "../../model/conversation.js";
import { isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "../../model/json.js";
import type { ConversationDocument, ExportedBackup } from "../document.js";
import { count, roleName, shortTime, textField, timestampToIso } from "../words.js";
import { escapeHtml } from "./escape.js";
import { messageAnchor } from "./message.js";

/** Time grows with the square of the edits: texts further apart are shown one after the other. */
const MAX_EDITS = 2_000;
/** How much of an unchanged stretch is shown on each side of a change. */
const AROUND = 120;
const EXCERPT = 400;
/** They change with every answer, and say nothing that the messages do not. */
const OF_STREAMING = ["currentNarrative", "streamingProperties"];

type Place = (message: Json) => number | undefined;

function contentOf(message: Json): string {
  return isJsonObject(message) ? textOf(ownValue(message, "content")) : JSON.stringify(message);
}

function unchanged(text: string): string {
  if (text.length <= 3 * AROUND) return escapeHtml(text);
  return `${escapeHtml(text.slice(0, AROUND))}<span class="skipped"> … </span>${escapeHtml(text.slice(-AROUND))}`;
}

function wordDiff(before: string, after: string): string {
  const parts = diffWordsWithSpace(before, after, { maxEditLength: MAX_EDITS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
  return parts
    .map(({ value, added, removed }) =>
      added ? `<ins>${escapeHtml(value)}</ins>` : removed ? `<del>${escapeHtml(value)}</del>` : unchanged(value),
    )
    .join("");
}

function excerpt(message: Json): string {
  const text = contentOf(message);
  return text.length <= EXCERPT
    ? escapeHtml(text)
    : `${escapeHtml(text.slice(0, EXCERPT))}<span class="skipped"> …</span>`;
}

function change(kind: string, what: string, text: string): string {
  return `<div class="change ${kind}"><div class="what">${what}</div>${text === "" ? "" : `<div class="text">${text}</div>`}</div>\n`;
}

/** What is still in the conversation is linked to, the rest told whole. */
function named(message: Json, word: string, place: number | undefined): string {
  const link = place === undefined ? "" : ` · <a href="#${messageAnchor(place)}">message ${place + 1}</a>`;
  return `${escapeHtml(roleName(message))} ${word}${link}`;
}

function renderChange(entry: MessageChange, placeOf: Place): string {
  const { kind, message } = entry;
  const place = placeOf(message);
  switch (kind) {
    case "same":
      return "";
    case "added":
      return change(
        "added",
        named(message, "added", place),
        place === undefined ? escapeHtml(contentOf(message)) : excerpt(message),
      );
    case "removed":
      return change("removed", named(message, "removed", undefined), escapeHtml(contentOf(message)));
    case "moved":
      return change("moved", named(message, "moved", place), excerpt(message));
    case "edited":
      return change(
        "edited",
        `${named(message, "edited", place)}${otherFields(entry.before, message)}`,
        wordDiff(contentOf(entry.before), contentOf(message)),
      );
  }
}

function otherFields(before: Json, after: Json): string {
  if (!isJsonObject(before) || !isJsonObject(after)) return "";
  const fields = changedFields(before, after).filter((name) => name !== "content");
  return fields.length === 0 ? "" : ` · ${escapeHtml(fields.join(", "))}`;
}

function renderChanges(from: JsonObject, to: JsonObject, placeOf: Place): string {
  const messages = compareMessages(from, to)
    .map((entry) => renderChange(entry, placeOf))
    .join("");
  const fields = changedFields(from, to).filter((name) => !OF_STREAMING.includes(name));
  return messages + (fields.length === 0 ? "" : change("fields", `also changed: ${escapeHtml(fields.join(", "))}`, ""));
}

function summary(from: JsonObject, to: JsonObject): string {
  const { added, removed, edited, moved, fields } = countChanges(from, to);
  const parts = [
    added > 0 ? `<span class="plus">+${added}</span>` : "",
    removed > 0 ? `<span class="minus">−${removed}</span>` : "",
    edited > 0 ? `<span class="edit">~${edited}</span>` : "",
    moved > 0 ? `<span>${moved} moved</span>` : "",
  ].filter((part) => part !== "");
  return parts.length > 0
    ? `${parts.join(" ")} <span>${added + removed + edited + moved === 1 ? "message" : "messages"}</span>`
    : fields > 0
      ? "<span>other fields</span>"
      : "";
}

interface Step {
  readonly label: string;
  readonly from: JsonObject;
  readonly to: JsonObject;
  readonly now: boolean;
}

function renderStep({ label, from, to, now }: Step, placeOf: Place): string {
  const open = now ? ' class="now"' : "";
  if (jsonEqual(from, to))
    return `<li${open}><div class="same">${label}<span class="spring">no difference</span></div></li>\n`;
  return `<li${open}><details class="fold"><summary>${label}<span class="spring">${summary(from, to)}</span></summary><div class="inside">${renderChanges(from, to, placeOf)}</div></details></li>\n`;
}

function pointLabel({ timestamp, metadata }: ExportedBackup): string {
  const note = metadata.backup;
  const tags = [note?.tag, note?.pinned === true ? "pinned" : undefined, note?.reason].filter(
    (text) => text !== undefined,
  );
  const time = timestampToIso(timestamp);
  return `<time datetime="${escapeHtml(time)}">${escapeHtml(shortTime(time))}</time><span>${count(metadata.messageCount, "message")}</span>${tags.map((tag) => `<span class="tag">${escapeHtml(tag)}</span>`).join("")}`;
}

/** Messages of the page by id, so that a change can point to where it stands. */
function placesOf(state: JsonObject): Place {
  const places = new Map(messagesOf(state).map((message, index) => [textField(message, "id"), index]));
  return (message) => (textField(message, "id") === "" ? undefined : places.get(textField(message, "id")));
}

export function renderHistory({ state, backups }: ConversationDocument): string {
  if (backups.length === 0) return "";
  const placeOf = placesOf(state);
  const newest = backups[0]?.state ?? {};
  const steps: Step[] = backups.map((point, index) => ({
    label: pointLabel(point),
    from: backups[index + 1]?.state ?? {},
    to: point.state,
    now: false,
  }));
  const now = renderStep({ label: '<span class="label">Now</span>', from: newest, to: state, now: true }, placeOf);
  return `<section class="history"><h2>Backups</h2><p>Newest first, each with what changed since the one before it.</p><ol class="points">${now}${steps.map((step) => renderStep(step, placeOf)).join("")}</ol></section>\n`;
}
