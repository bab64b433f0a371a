/** One message as an article of the page. */
import { textOf } from "../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import type { ConversationDocument } from "../document.js";
import { errorText, otherBlocks, reasoningText, shortTime, speakerName, textField, toolCalls } from "../words.js";
import { escapeHtml } from "./escape.js";
import { codeBlock, richText } from "./rich-text.js";

const ROLES = ["user", "assistant", "tool", "system"];
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;
const NOTES: Readonly<Record<string, string>> = {
  interrupted: "This answer was interrupted; all of it that came is here.",
  streaming: "This answer is still being told.",
};

export function messageAnchor(index: number): string {
  return `m${index + 1}`;
}

function who(message: Json, index: number, speaker: string): string {
  const [name, model, at, status] = ["name", "model", "createdAt", "status"].map((key) => textField(message, key)) as [
    string,
    string,
    string,
    string,
  ];
  const marks = [
    `<b>${escapeHtml(speaker)}</b>`,
    name === "" ? "" : `<span>${escapeHtml(name)}</span>`,
    model === "" ? "" : `<span>${escapeHtml(model)}</span>`,
    at === "" ? "" : `<time datetime="${escapeHtml(at)}">${escapeHtml(shortTime(at))}</time>`,
    status === "" || status === "complete"
      ? ""
      : `<span class="status ${statusClass(status)}">${escapeHtml(status)}</span>`,
    `<a class="number" href="#${messageAnchor(index)}">${index + 1}</a>`,
  ];
  return `<div class="who">${marks.join("")}</div>`;
}

export function statusClass(status: string): string {
  return ["complete", "streaming", "interrupted", "error"].includes(status) ? status : "";
}

export function fold(summary: string, inside: string): string {
  return `<details class="fold"><summary>${summary}</summary><div class="inside">${inside}</div></details>\n`;
}

/** A picture that is in the message itself; nothing is ever loaded from elsewhere. */
function pictureOf(block: JsonObject): string | undefined {
  const [source, linked] = [ownValue(block, "source"), ownValue(block, "image_url")];
  const url = isJsonObject(source)
    ? `data:${textField(source, "media_type")};base64,${textField(source, "data")}`
    : isJsonObject(linked)
      ? textField(linked, "url")
      : textField(block, "image_url");
  return PICTURE.test(url) ? url : undefined;
}

function block(value: Json): string {
  const picture = isJsonObject(value) ? pictureOf(value) : undefined;
  if (picture !== undefined) return `<img alt="" src="${picture}">`;
  const type = textField(value, "type");
  return fold(escapeHtml(type === "" ? "data" : type), codeBlock(JSON.stringify(value, null, 2), "json"));
}

function call(value: Json): string {
  const args = isJsonObject(value) ? ownValue(value, "args") : undefined;
  return fold(
    `calls <b>${escapeHtml(textField(value, "name"))}</b>`,
    codeBlock(JSON.stringify(args ?? value, null, 2), "json"),
  );
}

function bodyText(message: Json): string {
  const text = isJsonObject(message) ? textOf(ownValue(message, "content")) : JSON.stringify(message);
  if (text === "") return "";
  if (textField(message, "role") !== "tool") return richText(text);
  const lines = text.split("\n").length;
  return lines > 12 || text.length > 1500
    ? fold(`result, ${lines.toLocaleString("en-US")} ${lines === 1 ? "line" : "lines"}`, codeBlock(text, ""))
    : codeBlock(text, "");
}

function thoughtOf(text: string): string {
  return text === "" ? "" : fold("reasoning", richText(text));
}

export function renderMessage(
  document: ConversationDocument,
  message: Json,
  index: number,
  messages: readonly Json[],
): string {
  const role = textField(message, "role");
  const [error, note] = [errorText(message), NOTES[textField(message, "status")]];
  const body = [
    thoughtOf(reasoningText(document, message)),
    bodyText(message),
    ...otherBlocks(message).map(block),
    ...toolCalls(message).map(call),
    error === "" ? "" : `<p class="failure">${escapeHtml(error)}</p>`,
    note === undefined ? "" : `<p class="note">${note}</p>`,
  ].join("");
  return `<article class="message ${ROLES.includes(role) ? role : "other"}" id="${messageAnchor(index)}">${who(message, index, speakerName(messages, index))}<div class="body" dir="auto">${body}</div></article>\n`;
}
