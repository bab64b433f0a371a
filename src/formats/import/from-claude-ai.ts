/**
 * claude.ai's own export (`conversations.json`): a list of conversations with `chat_messages`. Tool calls and their results are
 * blocks of one answer there, and messages of their own here. Where messages name their parents, the way to the current leaf,
 * or else to the last message, is the conversation; the others stay under `importedFrom.otherMessages`. Pure.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { titleFrom } from "../../model/conversation.js";
import {
  asidesOf,
  at,
  lastDateOf,
  listAt,
  mustIso,
  objectAt,
  refuse,
  stateOf,
  textAt,
  toIso,
  unlessEmpty,
  without,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";

export function isClaudeAiConversation(value: Json): value is JsonObject {
  return isJsonObject(value) && Array.isArray(ownValue(value, "chat_messages")) && Object.hasOwn(value, "uuid");
}

const ROLES: Readonly<Record<string, string>> = { human: "user", user: "user", assistant: "assistant" };
/** What answers the first message, in exports that name parents. */
const NO_PARENT = "00000000-0000-4000-8000-000000000000";

interface Placed {
  readonly fields: JsonObject;
  readonly place: string;
  readonly id: string;
}

function placed(conversation: JsonObject, place: string): Placed[] {
  return listAt(conversation, "chat_messages").map((fields, index) => {
    const where = `${at(place, "chat_messages")}[${index}]`;
    if (!isJsonObject(fields)) throw refuse(where, "is not a message");
    return { fields, place: where, id: textAt(fields, "uuid") ?? `message-${index + 1}` };
  });
}

/** Broken links are no branches: without a whole way to the first message, all of them count. */
function pathOf(messages: readonly Placed[], leaf: string | undefined): readonly Placed[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const path: Placed[] = [];
  const seen = new Set<Placed>();
  for (let message = byId.get(leaf ?? "") ?? messages.at(-1); message !== undefined;) {
    if (seen.has(message)) return messages;
    seen.add(message);
    path.unshift(message);
    const parent = textAt(message.fields, "parent_message_uuid");
    const isRoot = parent === undefined ? path.length > 1 : parent === NO_PARENT;
    if (isRoot) return path;
    message = byId.get(parent ?? "");
  }
  return messages;
}

/** Files that were attached: their text, where the export has it. */
function attached(fields: JsonObject): JsonObject[] {
  return ["attachments", "files"].flatMap((key) =>
    listAt(fields, key)
      .filter(isJsonObject)
      .map((file) => ({ type: "attachment", ...file })),
  );
}

function blocksOf(fields: JsonObject): readonly Json[] {
  const blocks = listAt(fields, "content");
  const text = textAt(fields, "text");
  return blocks.length === 0 && text !== undefined ? [{ type: "text", text }] : blocks;
}

/** One text as text; its citations and times stay in `source`. */
function contentOf(blocks: readonly Json[]): Json {
  const [only, ...more] = blocks;
  const text = isJsonObject(only) && only["type"] === "text" ? ownValue(only, "text") : undefined;
  if (more.length === 0 && (only === undefined || typeof text === "string")) return text ?? "";
  return blocks;
}

function isTool(block: Json): block is JsonObject {
  return isJsonObject(block) && (block["type"] === "tool_use" || block["type"] === "tool_result");
}

function isReasoning(block: Json): boolean {
  return isJsonObject(block) && ["thinking", "redacted_thinking"].includes(textAt(block, "type") ?? "");
}

/** The blocks up to and with the next results: what was said, then what was called, then what came back. */
function rounds(blocks: readonly Json[]): Json[][] {
  const found: Json[][] = [[]];
  for (const block of blocks) {
    const last = found.at(-1) ?? [];
    const answered = isJsonObject(last.at(-1)) && (last.at(-1) as JsonObject)["type"] === "tool_result";
    if (answered && !(isTool(block) && block["type"] === "tool_result")) found.push([block]);
    else last.push(block);
  }
  return found;
}

function toolCall(block: JsonObject, id: string): JsonObject {
  return {
    id,
    name: textAt(block, "name") ?? "tool",
    args: objectAt(block, "input"),
    ...unlessEmpty("source", without(block, ["type", "id", "name", "input"])),
  };
}

/** Blocks of some exports have no ids: the results follow their calls. */
function answerMessages(message: Placed, base: JsonObject, blocks: readonly Json[]): JsonObject[] {
  return rounds(blocks).flatMap((round, number) => {
    const id = number === 0 ? message.id : `${message.id}-${number + 1}`;
    const calls = round.filter((block) => isTool(block) && block["type"] === "tool_use") as JsonObject[];
    const results = round.filter((block) => isTool(block) && block["type"] === "tool_result") as JsonObject[];
    const ids = calls.map((call, index) => textAt(call, "id") ?? `${id}-call-${index + 1}`);
    const content = contentOf(round.filter((block) => !isTool(block) && !isReasoning(block)));
    return [
      {
        ...base,
        id,
        role: "assistant",
        content,
        status: "complete",
        ...(calls.length === 0 ? {} : { toolCalls: calls.map((call, index) => toolCall(call, ids[index] ?? "")) }),
      },
      ...results.map((result, index) => ({
        ...base,
        id: `${id}-result-${index + 1}`,
        role: "tool",
        content: contentOf(listAt(result, "content")),
        toolCallId: textAt(result, "tool_use_id") ?? ids[index] ?? "",
        ...unlessEmpty("source", without(result, ["type", "tool_use_id", "content"])),
      })),
    ];
  });
}

function toMessages(message: Placed, createdAt: string): JsonObject[] {
  const { fields, place } = message;
  const sender = ownValue(fields, "sender");
  const role = typeof sender === "string" && Object.hasOwn(ROLES, sender) ? ROLES[sender] : undefined;
  if (role === undefined)
    throw refuse(
      at(place, "sender"),
      sender === undefined ? "is missing" : `is not a known sender: ${JSON.stringify(sender)}`,
    );
  const base = { createdAt: mustIso(fields, "created_at", place, createdAt) };
  const [blocks, files] = [blocksOf(fields), attached(fields)];
  const made =
    role === "assistant"
      ? answerMessages(message, base, blocks)
      : [{ ...base, id: message.id, role, content: contentOf([...blocks, ...files]) }];
  return made.map((each, index) =>
    index === 0 ? { ...each, source: without(fields, ["uuid", "attachments"]) } : each,
  );
}

export function fromClaudeAi(conversation: JsonObject, place: string, options: ImportOptions): ImportedConversation {
  const createdAt = mustIso(conversation, "created_at", place, options.at);
  const all = placed(conversation, place);
  const path = pathOf(all, textAt(conversation, "current_leaf_message_uuid"));
  const messages = path.flatMap((message) => toMessages(message, createdAt));
  const onPath = new Set(path);
  const others = all.filter((message) => !onPath.has(message)).map(({ fields }) => fields);
  const [id, title, model] = [
    textAt(conversation, "uuid"),
    textAt(conversation, "name"),
    textAt(conversation, "model"),
  ];
  return {
    place,
    name: id === undefined ? undefined : `claude-ai-${id}`,
    version: {
      state: stateOf(messages, {
        format: "claude-ai",
        ...without(conversation, ["chat_messages"]),
        ...(others.length === 0 ? {} : { otherMessages: others }),
      }),
      revision: 1,
      info: {
        createdAt,
        ...(title === undefined ? {} : { title: titleFrom(title) }),
        ...(model === undefined ? {} : { model: `anthropic:${model}` }),
      },
    },
    updatedAt: toIso(ownValue(conversation, "updated_at")) ?? lastDateOf(messages, createdAt),
    points: [],
    aside: asidesOf({ "abandoned branch": others.length }),
  };
}
