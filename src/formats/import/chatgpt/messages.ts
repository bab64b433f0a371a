/** Nodes of a ChatGPT conversation → messages; what the assistant sent to a tool becomes a tool call, linked with its result. Pure. */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { at, listAt, mustIso, objectAt, refuse, textAt, without } from "../imported.js";
import { contentOf } from "./content.js";
import { isCall, type Node } from "./tree.js";

const ROLES = ["system", "user", "assistant", "tool"];

export interface MessageDefaults {
  readonly place: string;
  readonly createdAt: string;
  /** Of answers that name none; undefined where the conversation names none either. */
  readonly model: string | undefined;
}

function toolCallsOf(message: JsonObject, content: Json): JsonObject {
  if (!isCall(message)) return {};
  const [id, name] = [textAt(message, "id") ?? "", textAt(message, "recipient") ?? ""];
  return { toolCalls: [{ id: `call-${id}`, name, args: argumentsOf(content) }] };
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

function answerFields(message: JsonObject, defaultModel: string | undefined): JsonObject {
  const metadata = objectAt(message, "metadata");
  const model = textAt(metadata, "model_slug") ?? defaultModel;
  const reason = textAt(objectAt(metadata, "finish_details"), "type");
  const cut = ownValue(message, "status") === "in_progress" || reason === "interrupted";
  return {
    status: cut ? "interrupted" : "complete",
    ...(model === undefined ? {} : { model: `openai:${model}` }),
    ...(reason === undefined ? {} : { finishReason: reason }),
  };
}

function toMessage(node: Node, defaults: MessageDefaults): JsonObject {
  const { message, fields } = node;
  const place = at(defaults.place, `mapping.${node.id}.message`);
  const author = objectAt(message, "author");
  const role = textAt(author, "role");
  if (role === undefined || !ROLES.includes(role)) {
    const found = ownValue(author, "role");
    throw refuse(
      `${place}.author.role`,
      found === undefined ? "is missing" : `is not a known role: ${JSON.stringify(found)}`,
    );
  }
  if (!isJsonObject(ownValue(message, "content"))) throw refuse(`${place}.content`, "is missing");
  const { content, isWhole } = contentOf(objectAt(message, "content"));
  const name = textAt(author, "name");
  return {
    id: textAt(message, "id") ?? node.id,
    role,
    content,
    createdAt: mustIso(message, "create_time", place, defaults.createdAt),
    ...(role === "assistant" ? answerFields(message, defaults.model) : {}),
    ...toolCallsOf(message, content),
    ...(name === undefined ? {} : { name }),
    source: { ...without(fields, ["message"]), message: without(message, isWhole ? ["content"] : []) },
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

export function toMessages(nodes: readonly Node[], defaults: MessageDefaults): JsonObject[] {
  return linkResults(nodes.map((node) => toMessage(node, defaults)));
}
