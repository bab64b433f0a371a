/**
 * Lines of a session → messages. The lines of one answer (one `message.id`) become one message, its `tool_use` blocks
 * tool calls; each `tool_result` becomes a message of role tool. Thinking and whatever else is no text stays in `source`.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import type { SessionLine } from "./claude-code-line.js";
import { listAt, objectAt, refuse, textAt, unlessEmpty, without } from "./imported.js";

function isBlock(type: string): (block: Json) => block is JsonObject {
  return (block): block is JsonObject => isJsonObject(block) && block["type"] === type;
}

function isPlainText(block: Json): boolean {
  return (
    isJsonObject(block) &&
    block["type"] === "text" &&
    typeof block["text"] === "string" &&
    Object.keys(block).length === 2
  );
}

/** One text as text, several as blocks. */
function asContent(blocks: readonly JsonObject[]): Json {
  const [only, ...more] = blocks;
  if (more.length === 0 && (only === undefined || isPlainText(only))) return only?.["text"] ?? "";
  return blocks;
}

/** What a line says beyond what every line says, and beyond what the message holds in places of its own. */
function sourceOf(line: SessionLine, session: JsonObject, message: JsonObject): JsonObject {
  const own = without(line.fields, ["message", "uuid", ...Object.keys(session)]);
  return { ...own, ...unlessEmpty("message", message) };
}

function place(line: SessionLine): string {
  return `line ${line.number}.message.content`;
}

function contentBlocks(line: SessionLine): readonly Json[] | string {
  const content = ownValue(objectAt(line.fields, "message"), "content");
  if (typeof content === "string" || Array.isArray(content)) return content;
  throw refuse(place(line), "is neither a text nor a list of blocks");
}

function toolCall(block: JsonObject, line: SessionLine): JsonObject {
  const [id, name, input] = [textAt(block, "id"), textAt(block, "name"), ownValue(block, "input")];
  if (id === undefined || name === undefined || !isJsonObject(input))
    throw refuse(place(line), "has a tool_use without id, name and input");
  return { id, name, args: input, ...unlessEmpty("source", without(block, ["type", "id", "name", "input"])) };
}

function usageOf(message: JsonObject): JsonObject {
  const usage = objectAt(message, "usage");
  const [input, output] = [usage["input_tokens"], usage["output_tokens"]];
  return typeof input === "number" && typeof output === "number"
    ? { usage: { inputTokens: input, outputTokens: output } }
    : {};
}

function answer(lines: readonly SessionLine[], session: JsonObject): JsonObject {
  const [first] = lines as readonly [SessionLine];
  const last = lines.at(-1) ?? first;
  const blocks = lines.flatMap((line) => {
    const content = contentBlocks(line);
    return typeof content === "string" ? [{ type: "text", text: content }] : content;
  });
  const message = objectAt(last.fields, "message");
  const calls = lines.flatMap((line) =>
    listAt(objectAt(line.fields, "message"), "content")
      .filter(isBlock("tool_use"))
      .map((block) => toolCall(block, line)),
  );
  const [model, reason] = [textAt(message, "model"), textAt(message, "stop_reason")];
  const failed = last.fields["isApiErrorMessage"] === true;
  return {
    id: first.uuid === "" ? `line-${first.number}` : first.uuid,
    role: "assistant",
    content: asContent(blocks.filter(isBlock("text"))),
    createdAt: first.createdAt,
    status: failed ? "error" : "complete",
    ...(model === undefined ? {} : { model: `anthropic:${model}` }),
    ...usageOf(message),
    ...(reason === undefined ? {} : { finishReason: reason }),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    source: { lines: lines.map((line) => answerLine(line, session)) },
  };
}

/** Each line as it was, without what the message holds: its texts and calls. */
function answerLine(line: SessionLine, session: JsonObject): JsonObject {
  const message = objectAt(line.fields, "message");
  const rest = listAt(message, "content").filter((block) => !isPlainText(block) && !isBlock("tool_use")(block));
  return {
    uuid: line.uuid,
    ...sourceOf(line, session, {
      ...without(message, ["role", "content"]),
      ...(rest.length === 0 ? {} : { content: rest }),
    }),
  };
}

function toolResult(block: JsonObject, index: number, line: SessionLine): JsonObject {
  const [callId, content] = [textAt(block, "tool_use_id"), ownValue(block, "content")];
  if (callId === undefined) throw refuse(place(line), "has a tool_result without tool_use_id");
  const texts = Array.isArray(content) ? (content as readonly Json[]).filter(isJsonObject) : undefined;
  return {
    id: index === 0 ? line.uuid : `${line.uuid}-${index + 1}`,
    role: "tool",
    content: texts === undefined ? (typeof content === "string" ? content : "") : asContent(texts),
    createdAt: line.createdAt,
    toolCallId: callId,
    ...(block["is_error"] === true ? { status: "error" } : {}),
    ...unlessEmpty(
      "source",
      without(block, [
        "type",
        "tool_use_id",
        "is_error",
        ...(content === undefined || content === null || texts !== undefined || typeof content === "string"
          ? ["content"]
          : []),
      ]),
    ),
  };
}

function said(line: SessionLine, session: JsonObject): JsonObject[] {
  const content = contentBlocks(line);
  const message = without(objectAt(line.fields, "message"), ["role", "content"]);
  const base = { id: line.uuid, role: "user", createdAt: line.createdAt };
  if (typeof content === "string")
    return [{ ...base, content, ...unlessEmpty("source", sourceOf(line, session, message)) }];
  const results = content.filter(isBlock("tool_result")).map((block, index) => toolResult(block, index, line));
  const others = content.filter((block): block is JsonObject => isJsonObject(block) && block["type"] !== "tool_result");
  const spoken =
    others.length === 0 && results.length > 0
      ? []
      : [{ ...base, id: results.length === 0 ? line.uuid : `${line.uuid}-said`, content: asContent(others) }];
  return [...results, ...spoken].map((made, index) =>
    index === 0 ? withSource(made, sourceOf(line, session, message)) : made,
  );
}

function withSource(message: JsonObject, more: JsonObject): JsonObject {
  const source = { ...objectAt(message, "source"), ...more };
  return Object.keys(source).length === 0 ? message : { ...message, source };
}

function notice(line: SessionLine, session: JsonObject): JsonObject {
  return {
    id: line.uuid,
    role: "system",
    content: textAt(line.fields, "content") ?? "",
    createdAt: line.createdAt,
    ...unlessEmpty("source", without(sourceOf(line, session, {}), ["content"])),
  };
}

export function toMessages(lines: readonly SessionLine[], session: JsonObject): JsonObject[] {
  const told = new Set<string>();
  return lines.flatMap((line) => {
    if (line.fields["type"] === "system") return [notice(line, session)];
    if (line.fields["type"] === "user") return said(line, session);
    const id = textAt(objectAt(line.fields, "message"), "id");
    if (id === undefined) return [answer([line], session)];
    if (told.has(id)) return [];
    told.add(id);
    return [
      answer(
        lines.filter(
          (other) => other.fields["type"] === "assistant" && textAt(objectAt(other.fields, "message"), "id") === id,
        ),
        session,
      ),
    ];
  });
}
