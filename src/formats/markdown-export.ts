/** `md`: a conversation as a Markdown document that a person reads, anywhere. Not meant to be imported again. */
import { textOf } from "../model/conversation.js";
import { isJsonObject, ownValue, type Json } from "../model/json.js";
import { shownMessages } from "../model/shown.js";
import type { ConversationDocument, MakeVisible } from "./document.js";
import { escapeMarkdown, fenced, tamedMarkdown } from "./markdown-body.js";
import {
  count,
  errorText,
  otherBlocks,
  reasoningText,
  shortTime,
  speakerName,
  textField,
  timestampToIso,
  titleText,
  toolCalls,
} from "./words.js";

function line(text: string): string {
  return escapeMarkdown(text.replaceAll(/\s+/g, " ").trim());
}

function heading(message: Json, speaker: string): string {
  const status = textField(message, "status");
  const parts = [
    speaker,
    textField(message, "name"),
    textField(message, "model"),
    shortTime(textField(message, "createdAt")),
    status === "complete" ? "" : status,
  ];
  return `## ${parts
    .filter((part) => part !== "")
    .map(line)
    .join(" · ")}`;
}

function callParts(call: Json): string[] {
  const args = isJsonObject(call) ? ownValue(call, "args") : undefined;
  return [`Calls **${line(textField(call, "name"))}**:`, fenced(JSON.stringify(args ?? call, null, 2), "json")];
}

function quoted(text: string): string {
  const lines = tamedMarkdown(text).split("\n");
  return ["**Reasoning**", "", ...lines].map((part) => (part === "" ? ">" : `> ${part}`)).join("\n");
}

function messageParts(
  document: ConversationDocument,
  message: Json,
  index: number,
  messages: readonly Json[],
): string[] {
  const thought = reasoningText(document, message);
  const text = isJsonObject(message) ? textOf(ownValue(message, "content")) : JSON.stringify(message);
  const isData = textField(message, "role") === "tool";
  const error = errorText(message);
  return [
    heading(message, speakerName(messages, index)),
    ...(thought === "" ? [] : [quoted(thought)]),
    ...(text === "" ? [] : [isData ? fenced(text) : tamedMarkdown(text)]),
    ...otherBlocks(message).map((block) => fenced(JSON.stringify(block, null, 2), "json")),
    ...toolCalls(message).flatMap(callParts),
    ...(error === "" ? [] : [`**Error:** ${line(error)}`]),
  ];
}

function about({ conversationId, metadata, asOf, state }: ConversationDocument): string {
  const parts = [
    `\`${conversationId}\``,
    metadata.status,
    count(shownMessages(state).length, "message"),
    metadata.model ?? "",
    shortTime(metadata.createdAt),
  ];
  const known = parts
    .filter((part) => part !== "")
    .map((part, index) => (index === 0 ? part : line(part)))
    .join(" · ");
  return asOf === undefined ? known : `${known}  \nas it was at ${shortTime(timestampToIso(asOf))}`;
}

export function toMarkdown(document: ConversationDocument, makeVisible: MakeVisible): string {
  const parts = [
    `# ${line(titleText(document))}`,
    about(document),
    ...shownMessages(document.state).flatMap((...one) => messageParts(document, ...one)),
  ];
  return makeVisible(`${parts.join("\n\n")}\n`);
}
