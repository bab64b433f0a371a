/** What a model thinks, in the forms of each provider: a field beside the content, or blocks within it. Pure. */
import type { AIMessageChunk } from "@langchain/core/messages";
import { isJsonObject, ownValue, type Json } from "../model/json.js";

const BLOCKS = ["thinking", "reasoning", "reasoning_content"];

/** Of a block of a content; empty for every other block. */
export function reasoningOfBlock(block: Json): string {
  const type = isJsonObject(block) ? ownValue(block, "type") : undefined;
  if (!isJsonObject(block) || typeof type !== "string" || !BLOCKS.includes(type)) return "";
  return ["thinking", "reasoning", "reasoningText", "text"].map((key) => textIn(ownValue(block, key))).join("");
}

function textIn(value: Json | undefined): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(textIn).join("");
  return isJsonObject(value) ? textIn(ownValue(value, "text")) : "";
}

export function reasoningOfChunk({ content, additional_kwargs: fields }: AIMessageChunk): string {
  const beside: unknown = Reflect.get(fields, "reasoning_content");
  const within = Array.isArray(content) ? (content as readonly Json[]).map(reasoningOfBlock).join("") : "";
  return typeof beside === "string" && beside !== "" ? beside : within;
}
