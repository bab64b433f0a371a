/**
 * ChatGPT's `conversations.json`: a list of conversations, each a tree of messages (`mapping`). The way to `current_node`
 * is the conversation as its user last saw it; every node beside it is kept whole under `importedFrom.otherNodes`, with
 * parent and children, so the tree can be built again.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { titleFrom } from "../../model/conversation.js";
import {
  at,
  listAt,
  mustIso,
  objectAt,
  refuse,
  stateOf,
  textAt,
  unlessEmpty,
  without,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";

const ROLES = ["system", "user", "assistant", "tool"];

export function isChatGptConversation(value: Json): value is JsonObject {
  return (
    isJsonObject(value) &&
    isJsonObject(ownValue(value, "mapping")) &&
    (Object.hasOwn(value, "current_node") || Object.hasOwn(value, "create_time"))
  );
}

export function isChatGptExport(value: Json): value is readonly JsonObject[] {
  return Array.isArray(value) && value.length > 0 && (value as readonly Json[]).some(isChatGptConversation);
}

interface Node {
  readonly id: string;
  readonly fields: JsonObject;
  readonly message: JsonObject;
}

/** From the root to the current node; where none is named, to the newest message. */
function pathOf(mapping: JsonObject, current: string | undefined, place: string): Node[] {
  const path: Node[] = [];
  const seen = new Set<string>();
  for (let id = current ?? newestLeaf(mapping); id !== undefined;) {
    const fields = ownValue(mapping, id);
    if (!isJsonObject(fields)) throw refuse(at(place, `mapping.${id}`), "is named, and missing");
    if (seen.has(id)) throw refuse(at(place, `mapping.${id}`), "is its own ancestor");
    seen.add(id);
    path.unshift({ id, fields, message: objectAt(fields, "message") });
    id = textAt(fields, "parent");
  }
  return path;
}

function newestLeaf(mapping: JsonObject): string | undefined {
  const leaves = Object.entries(mapping).filter(
    ([, node]) =>
      isJsonObject(node) && isJsonObject(ownValue(node, "message")) && listAt(node, "children").length === 0,
  );
  const time = (node: Json): number => Number(isJsonObject(node) ? (objectAt(node, "message")["create_time"] ?? 0) : 0);
  return leaves.sort(([, left], [, right]) => time(left) - time(right)).at(-1)?.[0] ?? Object.keys(mapping).at(-1);
}

/** Text as text; several parts, or pictures among them, as blocks. `whole`: nothing of it needs to be kept elsewhere. */
function contentOf(content: JsonObject): { readonly content: Json; readonly whole: boolean } {
  const parts = ownValue(content, "parts");
  if (Array.isArray(parts)) {
    const [only, ...more] = parts as readonly Json[];
    if (more.length === 0 && (only === undefined || typeof only === "string"))
      return { content: only ?? "", whole: isPlain(content) };
    return { content: (parts as readonly Json[]).map(toBlock), whole: isPlain(content) };
  }
  const text = textAt(content, "text") ?? textAt(content, "result") ?? textAt(content, "content");
  const thoughts = listAt(content, "thoughts").map((thought) =>
    isJsonObject(thought) ? (textAt(thought, "content") ?? textAt(thought, "summary") ?? "") : "",
  );
  return { content: text ?? thoughts.join("\n\n"), whole: false };
}

function isPlain(content: JsonObject): boolean {
  const type = ownValue(content, "content_type");
  return (
    (type === "text" || type === "multimodal_text") &&
    Object.keys(content).every((key) => key === "content_type" || key === "parts")
  );
}

function toBlock(part: Json): JsonObject {
  if (typeof part === "string") return { type: "text", text: part };
  if (!isJsonObject(part)) return { type: "json", value: part };
  return { type: textAt(part, "content_type") ?? "unknown", ...part };
}

/** What the assistant sends to anyone but the reader is a call of a tool. */
function toolCallsOf(message: JsonObject, content: Json): JsonObject {
  const recipient = textAt(message, "recipient");
  if (recipient === undefined || recipient === "all" || objectAt(message, "author")["role"] !== "assistant") return {};
  return { toolCalls: [{ id: `call-${textAt(message, "id") ?? ""}`, name: recipient, args: argumentsOf(content) }] };
}

function argumentsOf(content: Json): JsonObject {
  try {
    const value: unknown = typeof content === "string" ? JSON.parse(content) : content;
    if (isJsonObject(value)) return value;
  } catch {
    // Code, most often: it is the argument.
  }
  return { input: content };
}

function answerFields(message: JsonObject): JsonObject {
  const metadata = objectAt(message, "metadata");
  const [model, reason] = [textAt(metadata, "model_slug"), textAt(objectAt(metadata, "finish_details"), "type")];
  const cut = ownValue(message, "status") === "in_progress" || reason === "interrupted";
  return {
    status: cut ? "interrupted" : "complete",
    ...(model === undefined ? {} : { model: `openai:${model}` }),
    ...(reason === undefined ? {} : { finishReason: reason }),
  };
}

function toMessage(node: Node, place: string, otherwise: string): JsonObject {
  const { message, fields } = node;
  const role = textAt(objectAt(message, "author"), "role");
  if (role === undefined || !ROLES.includes(role))
    throw refuse(
      at(place, `mapping.${node.id}.message.author.role`),
      `is no known role: ${JSON.stringify(role ?? null)}`,
    );
  if (!isJsonObject(ownValue(message, "content")))
    throw refuse(at(place, `mapping.${node.id}.message.content`), "is missing");
  const { content, whole } = contentOf(objectAt(message, "content"));
  const name = textAt(objectAt(message, "author"), "name");
  return {
    id: textAt(message, "id") ?? node.id,
    role,
    content,
    createdAt: mustIso(message, "create_time", at(place, `mapping.${node.id}.message`), otherwise),
    ...(role === "assistant" ? answerFields(message) : {}),
    ...toolCallsOf(message, content),
    ...(name === undefined ? {} : { name }),
    source: { ...without(fields, ["message"]), message: without(message, whole ? ["content"] : []) },
  };
}

/** `browser.open` and `browser` are one tool. */
function toolOf(named: JsonObject): string {
  return (textAt(named, "name") ?? "").split(".")[0] ?? "";
}

/** The result names its tool; the call is the last unanswered one of that name. */
function linkResults(messages: readonly JsonObject[]): JsonObject[] {
  const open = new Map<string, string>();
  return messages.map((message) => {
    for (const call of listAt(message, "toolCalls"))
      if (isJsonObject(call)) open.set(toolOf(call), textAt(call, "id") ?? "");
    if (message["role"] !== "tool") return message;
    const key = toolOf(message);
    const id = open.get(key);
    open.delete(key);
    return id === undefined ? message : { ...message, toolCallId: id };
  });
}

/** The root and empty system messages say nothing; they stay in the tree. */
function saysSomething({ message }: Node): boolean {
  if (Object.keys(message).length === 0) return false;
  const { content } = contentOf(objectAt(message, "content"));
  return content !== "" || textAt(objectAt(message, "author"), "role") !== "system";
}

function fromConversation(conversation: JsonObject, place: string, options: ImportOptions): ImportedConversation {
  const mapping = objectAt(conversation, "mapping");
  const createdAt = mustIso(conversation, "create_time", place, options.at);
  const path = pathOf(mapping, textAt(conversation, "current_node"), place).filter(saysSomething);
  const shown = new Set(path.map((node) => node.id));
  const messages = linkResults(path.map((node) => toMessage(node, place, createdAt)));
  const otherNodes = Object.fromEntries(Object.entries(mapping).filter(([id]) => !shown.has(id)));
  const title = textAt(conversation, "title");
  const model = messages.findLast((message) => typeof message["model"] === "string")?.["model"];
  const importedFrom = {
    format: "chatgpt",
    ...without(conversation, ["mapping"]),
    ...unlessEmpty("otherNodes", otherNodes),
  };
  const id = textAt(conversation, "conversation_id") ?? textAt(conversation, "id");
  return {
    place,
    name: id === undefined ? undefined : `chatgpt-${id}`,
    version: {
      state: stateOf(messages, importedFrom),
      revision: 1,
      info: {
        createdAt,
        ...(title === undefined ? {} : { title: titleFrom(title) }),
        ...(typeof model === "string" ? { model } : {}),
      },
    },
    points: [],
  };
}

export function fromChatGpt(conversations: readonly Json[], options: ImportOptions): ImportedConversation[] {
  return conversations.map((conversation, index) => {
    if (!isChatGptConversation(conversation)) throw refuse(at("", index), "is no conversation: it has no mapping");
    return fromConversation(conversation, at("", index), options);
  });
}
