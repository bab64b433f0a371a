/** The lines of one answer (one `message.id`) → one message; its `tool_use` blocks become tool calls, what is no text stays in `source`. Pure. */
import { ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { objectAt, listAt, textAt, unlessEmpty, without } from "../imported.js";
import { asContent, isPlainText, sourceOf } from "./content.js";
import { blocksOf, isBlock, messageOfLine, type Turn } from "./line.js";

/** As Claude Code names the model of what it says itself. */
const SYNTHETIC = "<synthetic>";

function toolCall(block: JsonObject): JsonObject {
  return {
    id: textAt(block, "id") ?? "",
    name: textAt(block, "name") ?? "",
    args: objectAt(block, "input"),
    ...unlessEmpty("source", without(block, ["type", "id", "name", "input"])),
  };
}

/** A call that stands in several lines is one. */
function callsOf(lines: readonly Turn[]): JsonObject[] {
  const calls = lines.flatMap((line) => blocksOf(line, "tool_use")).map(toolCall);
  const ids = calls.map(({ id }) => id);
  return calls.filter(({ id }, index) => ids.indexOf(id) === index);
}

function usageOf(message: JsonObject): JsonObject {
  const usage = objectAt(message, "usage");
  const [input, output] = [usage["input_tokens"], usage["output_tokens"]];
  return typeof input === "number" && typeof output === "number"
    ? { usage: { inputTokens: input, outputTokens: output } }
    : {};
}

function textBlocks(line: Turn): JsonObject[] {
  const content = ownValue(messageOfLine(line), "content");
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return listAt(messageOfLine(line), "content").filter(isBlock("text"));
}

/** What Claude Code says of a failure is no word of the model's. */
function saidOf(lines: readonly Turn[], hasFailed: boolean): JsonObject {
  const content = asContent(lines.flatMap(textBlocks));
  if (!hasFailed) return { content, status: "complete" };
  const message = typeof content === "string" ? content : "the answer ended with an error";
  return { content: typeof content === "string" ? "" : content, status: "error", error: { code: "MODEL", message } };
}

export function answer(lines: readonly [Turn, ...Turn[]], session: JsonObject): JsonObject {
  const [first] = lines;
  const last = lines.at(-1) ?? first;
  const message = messageOfLine(last);
  const [model, reason] = [textAt(message, "model"), textAt(message, "stop_reason")];
  const calls = callsOf(lines);
  return {
    id: first.uuid === "" ? `line-${first.number}` : first.uuid,
    role: "assistant",
    createdAt: first.createdAt,
    ...saidOf(lines, last.fields["isApiErrorMessage"] === true),
    ...(model === undefined || model === SYNTHETIC ? {} : { model: `anthropic:${model}` }),
    ...usageOf(message),
    ...(reason === undefined ? {} : { finishReason: reason }),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    source: { lines: lines.map((line) => answerLine(line, session)) },
  };
}

/** Each line as it was, without what the message holds: its texts and calls. */
function answerLine(line: Turn, session: JsonObject): JsonObject {
  const message = messageOfLine(line);
  const isHeld = (block: Json): boolean => isPlainText(block) || isBlock("tool_use")(block);
  const rest = listAt(message, "content").filter((block) => !isHeld(block));
  return {
    uuid: line.uuid,
    ...sourceOf(line, session, {
      ...without(message, ["role", "content"]),
      ...(rest.length === 0 ? {} : { content: rest }),
    }),
  };
}
