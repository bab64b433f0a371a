/**
 * A chunk of a completion's stream, as servers send it → as LangChain reads it. Whatever role it names, its text is the
 * answer's text; refusals are text too, calls of the old protocol are tool calls. Content that is nothing of this is
 * refused, never left out. Pure.
 */
import type { OpenAIClient } from "@langchain/openai";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { reasoningOfBlock } from "../reasoning.js";
import { unreadable } from "../unreadable.js";

type Chunk = OpenAIClient.Chat.Completions.ChatCompletionChunk;

/** Blocks that hold no words for the reader: what the model thought, and where it read it. */
const SILENT_BLOCKS = ["thinking", "reasoning", "redacted_thinking", "reference"];

function textOfBlock(block: Json): string {
  if (typeof block === "string") return block;
  if (!isJsonObject(block)) throw unreadable(block);
  const { type, text, refusal } = block;
  if (reasoningOfBlock(block) !== "") return "";
  if (typeof text === "string") return text;
  if (typeof refusal === "string") return refusal;
  if (typeof type === "string" && SILENT_BLOCKS.includes(type)) return "";
  throw unreadable(block);
}

function textOf(content: Json | undefined): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return (content as readonly Json[]).map(textOfBlock).join("");
  throw unreadable(content);
}

/** `function_call` of the protocol before tools; its id is made of the answer's. */
function callsOf(delta: JsonObject, id: Json | undefined): JsonObject {
  const call = ownValue(delta, "function_call");
  const { function_call: _old, ...rest } = delta;
  if (!isJsonObject(call)) return rest;
  const named =
    typeof call["name"] === "string" ? { id: `call-${typeof id === "string" ? id : "1"}`, type: "function" } : {};
  return { ...rest, tool_calls: [{ index: 0, ...named, function: call }] };
}

/** Under the one name that the client keeps; servers have two, and blocks within the content. */
function reasoningOf(delta: JsonObject): { reasoning_content?: string } {
  const content = ownValue(delta, "content");
  const named = ["reasoning_content", "reasoning"].map((name) => ownValue(delta, name));
  const within = Array.isArray(content) ? (content as readonly Json[]).map(reasoningOfBlock).join("") : "";
  const thought = named.find((value): value is string => typeof value === "string" && value !== "") ?? within;
  return thought === "" ? {} : { reasoning_content: thought };
}

function readableDelta(delta: JsonObject, id: Json | undefined): JsonObject {
  return {
    ...callsOf(delta, id),
    ...reasoningOf(delta),
    role: "assistant",
    content: textOf(ownValue(delta, "content")) + textOf(ownValue(delta, "refusal")),
  };
}

/** Servers that know one shape of answer, or the protocol before chats, send it in streams too. */
function deltaOf(choice: JsonObject): JsonObject {
  for (const name of ["delta", "message"]) {
    const value = ownValue(choice, name);
    if (isJsonObject(value)) return value;
    if (value !== undefined && value !== null) throw unreadable(value);
  }
  return { content: ownValue(choice, "text") ?? null };
}

/** What is no usage must not become 0 tokens, as LangChain makes of a number that is missing: it counts nothing, and that is reported. */
const NO_COUNT = { prompt_tokens: NaN, completion_tokens: NaN, total_tokens: NaN };

function usageOf(wire: JsonObject): { usage?: unknown } {
  const usage = ownValue(wire, "usage");
  if (usage === undefined || usage === null) return {};
  if (!isJsonObject(usage)) return { usage: NO_COUNT };
  return Object.keys(usage).length === 0 ? { usage: null } : {};
}

export function readableChunk(chunk: Chunk): Chunk {
  const wire = chunk as unknown as Json;
  const choices = isJsonObject(wire) ? ownValue(wire, "choices") : undefined;
  if (!isJsonObject(wire) || !Array.isArray(choices)) return chunk;
  const readable = (choices as readonly Json[]).map((choice) =>
    isJsonObject(choice) ? { ...choice, delta: readableDelta(deltaOf(choice), wire["id"]) } : choice,
  );
  return { ...wire, choices: readable, ...usageOf(wire) } as unknown as Chunk;
}

/** Whether the server names what it thinks `reasoning_content`, and so may want it back. */
export function namesReasoningContent({ choices }: Chunk): boolean {
  const deltas = Array.isArray(choices) ? choices.map(({ delta }) => delta as unknown as Json) : [];
  return deltas.some((delta) => isJsonObject(delta) && typeof delta["reasoning_content"] === "string");
}

/** A second reason for finishing would be joined to the first. */
function withoutReason(chunk: Chunk): Chunk {
  return { ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, finish_reason: null })) };
}

export async function* readableChunks(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  let hasFinished = false;
  for await (const chunk of chunks) {
    const readable = readableChunk(chunk);
    yield hasFinished && Array.isArray(readable.choices) ? withoutReason(readable) : readable;
    hasFinished ||= Array.isArray(readable.choices) && readable.choices.some(isFinish);
  }
}

function isFinish(choice: Chunk["choices"][number]): boolean {
  const reason: unknown = choice.finish_reason;
  return typeof reason === "string" && reason !== "";
}
