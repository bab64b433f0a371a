/**
 * Messages on their way to a model of a provider's own package, which may bring along another copy of LangChain, and chunks on their way back.
 * Both cross as plain JSON: no class of one copy is looked for in the other. Pure.
 */
import { AIMessage, AIMessageChunk, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import type { ToolCallChunk } from "@langchain/core/messages/tool";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import type { ProviderName } from "../../../model/providers.js";
import { textOfContent } from "../../messages.js";
import { unreadable } from "../../unreadable.js";

/** Every copy of LangChain makes its own message of it. */
export type PlainMessage = { readonly type: string; readonly content: Json } & JsonObject;

/** What JSON holds of a value: no classes, no `undefined`. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}

/** Said again in `tool_calls`, where what could not be called is left out. */
const CALL_BLOCKS = ["tool_use", "input_json_delta", "functionCall", "tool_call", "tool_call_chunk"];

function isCall(block: Json): boolean {
  const type = isJsonObject(block) ? ownValue(block, "type") : undefined;
  return typeof type === "string" && CALL_BLOCKS.includes(type);
}

function withoutCalls(content: Json): Json {
  return Array.isArray(content) ? (content as readonly Json[]).filter((block) => !isCall(block)) : content;
}

/** Packages that know what a model thought when it comes back to them, signed by the provider; others refuse such blocks. */
const TAKE_THOUGHTS: readonly ProviderName[] = ["anthropic", "bedrock", "google-genai"];

export function toPlainMessage(message: BaseMessage, provider: ProviderName): PlainMessage {
  const content = plain(message.content);
  const fields = plain(message.additional_kwargs);
  if (ToolMessage.isInstance(message))
    return {
      type: "tool",
      content,
      tool_call_id: message.tool_call_id,
      ...(message.name === undefined ? {} : { name: message.name }),
      ...(message.status === undefined ? {} : { status: message.status }),
    };
  if (!AIMessage.isInstance(message)) return { type: message.type, content };
  const calls = (message.tool_calls ?? []).map(({ id, name, args }) => plain({ id, name, args, type: "tool_call" }));
  const said = TAKE_THOUGHTS.includes(provider) ? withoutCalls(content) : textOfContent(content);
  return { type: "ai", content: said, additional_kwargs: fields, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = ownValue(object, key);
  return isJsonObject(value) ? value : {};
}

function contentOf(chunk: JsonObject): string | JsonObject[] {
  const content = ownValue(chunk, "content") ?? "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw unreadable(content);
  return (content as readonly Json[]).map((block) => {
    if (!isJsonObject(block)) throw unreadable(block);
    return block;
  });
}

/** Of any copy and version of LangChain; throws `MODEL` where it holds something else than text and blocks. */
export function fromForeignChunk(chunk: unknown): AIMessageChunk {
  if (typeof chunk !== "object" || chunk === null) throw unreadable(chunk);
  const names = ["content", "additional_kwargs", "response_metadata", "tool_call_chunks", "usage_metadata"];
  const read = Object.fromEntries(names.map((name) => [name, plain(Reflect.get(chunk, name))]));
  const calls = read["tool_call_chunks"];
  const usage = read["usage_metadata"];
  const fields = {
    content: contentOf(read) as AIMessageChunk["content"],
    additional_kwargs: objectIn(read, "additional_kwargs"),
    response_metadata: objectIn(read, "response_metadata"),
    tool_call_chunks: Array.isArray(calls) ? (calls as unknown as ToolCallChunk[]) : [],
  };
  const message = new AIMessageChunk(fields);
  return isJsonObject(usage) ? Object.assign(message, { usage_metadata: usage }) : message;
}
