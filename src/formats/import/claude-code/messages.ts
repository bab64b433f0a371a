/**
 * Turns of a session → messages. The lines of one answer become one message where its first line stands; each `tool_result`
 * becomes a message of role tool. Thinking and whatever else is no text stays in `source`. Pure.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { listAt, objectAt, textAt, unlessEmpty, without } from "../imported.js";
import { answer } from "./answer.js";
import { asContent, sourceOf } from "./content.js";
import { answerIdOf, isBlock, messageOfLine, type Turn } from "./line.js";

function toolResult(block: JsonObject, index: number, line: Turn): JsonObject {
  const content = ownValue(block, "content");
  const blocks = Array.isArray(content) ? (content as readonly Json[]).filter(isJsonObject) : undefined;
  const isHeld = (content ?? null) === null || typeof content === "string" || blocks !== undefined;
  return {
    id: index === 0 ? idOf(line) : `${idOf(line)}-${index + 1}`,
    role: "tool",
    content: blocks === undefined ? (typeof content === "string" ? content : "") : asContent(blocks),
    createdAt: line.createdAt,
    toolCallId: textAt(block, "tool_use_id") ?? "",
    ...(block["is_error"] === true ? { status: "error" } : {}),
    ...unlessEmpty("source", without(block, ["type", "tool_use_id", "is_error", ...(isHeld ? ["content"] : [])])),
  };
}

function idOf(line: Turn): string {
  return line.uuid === "" ? `line-${line.number}` : line.uuid;
}

function said(line: Turn, session: JsonObject): JsonObject[] {
  const content = ownValue(messageOfLine(line), "content");
  const source = sourceOf(line, session, without(messageOfLine(line), ["role", "content"]));
  const base = { id: idOf(line), role: "user", createdAt: line.createdAt };
  if (typeof content === "string") return [{ ...base, content, ...unlessEmpty("source", source) }];
  const blocks = listAt(messageOfLine(line), "content").map((block) =>
    typeof block === "string" ? { type: "text", text: block } : block,
  );
  const results = blocks.filter(isBlock("tool_result")).map((block, index) => toolResult(block, index, line));
  const others = blocks.filter((block): block is JsonObject => isJsonObject(block) && block["type"] !== "tool_result");
  const spoken =
    others.length === 0 && results.length > 0
      ? []
      : [{ ...base, id: results.length === 0 ? idOf(line) : `${idOf(line)}-said`, content: asContent(others) }];
  return [...results, ...spoken].map((made, index) => (index === 0 ? withSource(made, source) : made));
}

function withSource(message: JsonObject, more: JsonObject): JsonObject {
  return { ...message, ...unlessEmpty("source", { ...objectAt(message, "source"), ...more }) };
}

function groupByAnswer(lines: readonly Turn[]): Map<string, [Turn, ...Turn[]]> {
  const groups = new Map<string, [Turn, ...Turn[]]>();
  for (const line of lines) {
    const id = answerIdOf(line);
    const group = id === undefined ? undefined : groups.get(id);
    if (group !== undefined) group.push(line);
    else if (id !== undefined) groups.set(id, [line]);
  }
  return groups;
}

export function toMessages(lines: readonly Turn[], session: JsonObject): JsonObject[] {
  const groups = groupByAnswer(lines);
  return lines.flatMap((line) => {
    if (line.kind !== "assistant") return said(line, session);
    const group = groups.get(answerIdOf(line) ?? "");
    if (group === undefined) return [answer([line], session)];
    return group[0] === line ? [answer(group, session)] : [];
  });
}
