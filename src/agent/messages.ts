/**
 * The border between our messages, plain JSON, and LangChain's, instances of classes. Nothing of LangChain's enters
 * the state, and what goes to the model is always a valid sequence of turns, whatever was interrupted.
 */
import { AIMessage, HumanMessage, SystemMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { textOf, type Message, type ToolCall, type Usage } from "../model/conversation.js";
import { freezeJson, isJsonObject, type Json, type JsonObject } from "../model/json.js";
import { pairCalls } from "./call-pairs.js";
import { givenBack, type GivenBack } from "./give-back.js";
import { reasoningOfBlock } from "./reasoning.js";
import { partsFor, textFor, type Part } from "./content-parts.js";

/** What the model alone is told, where a cut-off answer is continued without a message of the user's. */
export const GO_ON = "Your last answer was cut off. Go on exactly where it stopped, and repeat nothing of it.";

/** With the content that its role may have; undefined where nothing of it is to be sent. */
function sendable(message: Message): Message | undefined {
  const content = message.role === "user" ? userContent(message) : textFor(message.content);
  const isEmpty = (typeof content === "string" ? content.trim() : content).length === 0;
  if (isEmpty && message.role !== "tool" && (message.toolCalls ?? []).length === 0) return undefined;
  return { ...message, content: isEmpty && message.role === "assistant" ? "" : content };
}

/** Text as text; with pictures, as parts. */
function userContent(message: Message): string | readonly Part[] {
  const parts = partsFor(message.content);
  return parts.every((part) => part.type === "text") ? parts.map(({ text }) => text).join("\n") : parts;
}

function canJoin(before: Message | undefined, next: Message): before is Message {
  if (before === undefined || before.role !== next.role) return false;
  if (before.role === "user") return true;
  // What asks for tools may follow what was cut off; behind it come the tools' answers, and nothing else.
  return before.role === "assistant" && before.toolCalls === undefined;
}

function joined(before: Message, next: Message): Message {
  if (typeof before.content === "string" && typeof next.content === "string") {
    const texts = [before.content, next.content].filter((text) => text !== "");
    return { ...next, content: texts.join("\n\n") };
  }
  const parts = [before.content, next.content].flatMap((content): readonly Json[] =>
    typeof content === "string" ? [{ type: "text", text: content }] : content,
  );
  return { ...next, content: parts };
}

/** One, since many servers' templates know no second. */
function oneSystem(messages: readonly Message[]): Message[] {
  const [first, ...more] = messages;
  return first === undefined ? [] : [more.reduce(joined, first)];
}

function isFailed({ role, status, content, toolCalls }: Message): boolean {
  return role === "assistant" && status === "error" && (toolCalls ?? []).length === 0 && textFor(content).trim() === "";
}

/** A question that only got an error is not asked again together with the next one; the last question always is. */
function withoutFailedTurns(messages: readonly Message[]): Message[] {
  const lastAsked = messages.findLastIndex(({ role }) => role === "user");
  return messages.filter((message, index) => {
    const next = messages[index + 1];
    return index >= lastAsked || message.role !== "user" || next === undefined || !isFailed(next);
  });
}

/** System first, then turn by turn: neighbours of one role become one, every call has its result, empty messages go. */
export function toModelSequence(messages: readonly Message[]): Message[] {
  const turns: Message[] = [];
  for (const message of pairCalls(withoutFailedTurns(messages.filter(({ role }) => role !== "system")))) {
    const next = sendable(message);
    if (next === undefined) continue;
    const before = turns.at(-1);
    if (canJoin(before, next)) turns[turns.length - 1] = joined(before, next);
    else turns.push(next);
  }
  const system = messages.filter(({ role }) => role === "system").flatMap((message) => sendable(message) ?? []);
  return [...oneSystem(system), ...turns];
}

type LangChainContent = string | { type: "text"; text: string }[];

/** As the model that is asked takes them: of this turn with what its provider wants back. */
export function toModelMessages(messages: readonly Message[], modelName: string | undefined): BaseMessage[] {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((message, index) =>
    toLangChain(message, index > asked && message.model === modelName ? givenBack(message) : {}),
  );
}

function toLangChain(message: Message, more: GivenBack): BaseMessage {
  const content = message.content as LangChainContent;
  switch (message.role) {
    case "system":
      return new SystemMessage({ content });
    case "user":
      return new HumanMessage({ content });
    case "assistant":
      return new AIMessage({
        content,
        tool_calls: (message.toolCalls ?? []).map(({ id, name, args }) => ({
          id,
          name,
          args,
          type: "tool_call" as const,
        })),
        ...more,
      });
    case "tool":
      return new ToolMessage({
        content: textOf(message.content),
        tool_call_id: message.toolCallId ?? "",
        ...(message.name === undefined ? {} : { name: message.name }),
      });
  }
}

/** The text of a chunk's content, whether one string or a list of blocks. */
export function textOfContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: unknown) =>
      typeof block === "string"
        ? block
        : isJsonObject(block) && typeof block["text"] === "string" && reasoningOfBlock(block) === ""
          ? block["text"]
          : "",
    )
    .join("");
}

function plainArgs(args: unknown): JsonObject {
  const frozen = freezeJson(JSON.parse(JSON.stringify(args ?? {})));
  return isJsonObject(frozen) ? frozen : {};
}

const BROKEN_CALL = {
  code: "TOOL",
  message: "the arguments of this call are not a JSON object: it was not carried out",
} as const;

/** Also those that cannot be carried out, marked as such. */
export function toolCallsOf(message: BaseMessage): ToolCall[] {
  if (!AIMessage.isInstance(message)) return [];
  const calls = (message.tool_calls ?? []).map((call) => ({
    id: call.id,
    name: call.name,
    args: plainArgs(call.args),
  }));
  const broken = (message.invalid_tool_calls ?? []).map((call) => ({
    id: call.id,
    name: call.name ?? "",
    args: { input: call.args ?? "" },
    error: BROKEN_CALL,
  }));
  return [...calls, ...broken].map((call, index) => ({ ...call, id: call.id ?? `call-${index + 1}` }));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Undefined if there is none, or it counts nothing. */
export function usageOf(message: BaseMessage): Usage | undefined {
  const usage: unknown = Reflect.get(message, "usage_metadata");
  if (!isJsonObject(usage)) return undefined;
  const { input_tokens: inputTokens, output_tokens: outputTokens } = usage;
  return isCount(inputTokens) && isCount(outputTokens) ? { inputTokens, outputTokens } : undefined;
}

export function saysUsage(message: BaseMessage): boolean {
  return isJsonObject(Reflect.get(message, "usage_metadata"));
}

/** Whether the model thought, where it says so; kept nowhere. */
export function hasReasoning(message: BaseMessage): boolean {
  const thought: unknown = Reflect.get(message.additional_kwargs, "reasoning_content");
  return typeof thought === "string" && thought !== "";
}

const REASON_FIELDS = ["finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason"] as const;

/** Why the model stopped, in its own word; undefined if it gave none, so that it is unknown whether this is all. */
export function finishReasonOf(message: BaseMessage): string | undefined {
  for (const source of [message.response_metadata, message.additional_kwargs]) {
    // Bedrock says it in an event of its own.
    const stop: unknown = Reflect.get(source, "messageStop");
    for (const holder of [source, ...(isJsonObject(stop) ? [stop] : [])])
      for (const field of REASON_FIELDS) {
        const value: unknown = Reflect.get(holder, field);
        if (typeof value === "string" && value !== "") return value;
      }
  }
  return undefined;
}

export function fromToolMessage(message: BaseMessage, id: string, createdAt: string): Message | undefined {
  if (!ToolMessage.isInstance(message)) return undefined;
  return {
    id,
    role: "tool",
    content: textOfContent(message.content),
    createdAt,
    toolCallId: message.tool_call_id,
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(message.status === "error" ? { error: { code: "TOOL", message: textOfContent(message.content) } } : {}),
  };
}
