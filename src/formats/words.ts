/** What the readable formats share: times, names of roles, fields of messages. */
import { isContinuation } from "../model/continued.js";
import type { Metadata } from "../model/conversation.js";
import { isJsonObject, ownValue, type Json } from "../model/json.js";
import type { ConversationDocument } from "./document.js";

export function textField(message: Json, key: string): string {
  const value = isJsonObject(message) ? ownValue(message, key) : undefined;
  return typeof value === "string" ? value : "";
}

/** `2026-01-14 21:30 UTC`; anything that is no such time as it is. */
export function shortTime(iso: string): string {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso);
  return found === null || !iso.endsWith("Z") ? iso : `${found[1] ?? ""} ${found[2] ?? ""} UTC`;
}

/** `2026-01-14T21-30-00-000Z` as a time. */
export function timestampToIso(timestamp: string): string {
  return timestamp.replace(/T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z$/, "T$1:$2:$3.$4Z");
}

export function roleName(message: Json): string {
  const role = textField(message, "role");
  return role === "" ? "Message" : `${role.charAt(0).toUpperCase()}${role.slice(1)}`;
}

/** As it heads the message at this place. */
export function speakerName(messages: readonly Json[], index: number): string {
  const name = roleName(messages[index] ?? null);
  return isContinuation(messages, index) ? `${name} (continued)` : name;
}

export function count(number: number, one: string): string {
  return `${number.toLocaleString("en-US")} ${one}${number === 1 ? "" : "s"}`;
}

/** Blocks of a message that are no text. */
export function otherBlocks(message: Json): readonly Json[] {
  const content = isJsonObject(message) ? ownValue(message, "content") : undefined;
  if (!Array.isArray(content))
    return content === undefined || content === null || typeof content === "string" ? [] : [content];
  return (content as readonly Json[]).filter(
    (block) => typeof block !== "string" && !(isJsonObject(block) && typeof block["text"] === "string"),
  );
}

export function toolCalls(message: Json): readonly Json[] {
  const calls = isJsonObject(message) ? ownValue(message, "toolCalls") : undefined;
  return Array.isArray(calls) ? (calls as readonly Json[]) : [];
}

/** What the model thought before a message, where a document is to include it. */
export function reasoningText({ reasoning }: { readonly reasoning?: "included" }, message: Json): string {
  return reasoning === undefined ? "" : textField(message, "reasoning");
}

export function errorText(message: Json): string {
  const error = isJsonObject(message) ? ownValue(message, "error") : undefined;
  return isJsonObject(error) ? textField(error, "message") : "";
}

export function titleText({
  conversationId,
  metadata,
}: Pick<ConversationDocument, "conversationId"> & { readonly metadata: Metadata }): string {
  return metadata.title === "" ? conversationId : metadata.title;
}
