/**
 * What a provider wants back with the results of a message's calls: what the model thought, with the provider's signatures, in the provider's
 * own blocks. It is kept with the message, so that a turn that another process resumes is accepted; the thinking itself is kept once, in
 * the message's reasoning, and a block holds its length. Pure.
 */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { GiveBack, Message } from "../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { saysReasoningContent } from "./models/given-back.js";
import { reasoningOfBlock } from "./reasoning.js";

const TEXTS = ["thinking", "reasoning", "reasoningText", "text"];
const THOUGHTS = ["thinking", "redacted_thinking", "reasoning", "reasoning_content"];
/** Beside the content, by the id of a call. */
const SIGNATURES = /signature/i;

function isThought(block: Json): block is JsonObject {
  const type = isJsonObject(block) ? ownValue(block, "type") : undefined;
  return typeof type === "string" && THOUGHTS.includes(type);
}

/** Each text of a block by `change`, in the order in which they are read. */
function mapTexts(block: JsonObject, change: (text: Json) => Json): JsonObject {
  const mapped: Record<string, Json> = { ...block };
  for (const key of TEXTS) {
    const value = ownValue(block, key);
    if (isJsonObject(value)) mapped[key] = mapTexts(value, change);
    else if (value !== undefined) mapped[key] = change(value);
  }
  return mapped;
}

function blocksOf(content: unknown): JsonObject[] {
  if (!Array.isArray(content)) return [];
  return (content as readonly Json[])
    .filter(isThought)
    .map((block) => mapTexts(block, (text) => (typeof text === "string" ? text.length : text)));
}

/** Of an answer that asks for tools; undefined where nothing is wanted back. */
export function giveBackOf(message: BaseMessage): GiveBack | undefined {
  const blocks = blocksOf(message.content);
  const named = Object.entries(message.additional_kwargs).filter(([name]) => SIGNATURES.test(name));
  const fields = JSON.parse(JSON.stringify(Object.fromEntries(named))) as JsonObject;
  const giveBack = {
    ...(blocks.length === 0 ? {} : { blocks }),
    ...(named.length === 0 ? {} : { fields }),
    ...(saysReasoningContent(message) ? { reasoningContent: true as const } : {}),
  };
  return Object.keys(giveBack).length === 0 ? undefined : giveBack;
}

/** The blocks with their texts; empty where they are not those of this reasoning. */
function unfolded(blocks: readonly JsonObject[], reasoning: string): JsonObject[] {
  let at = 0;
  const whole = blocks.map((block) =>
    mapTexts(block, (length) => {
      if (typeof length !== "number") return length;
      at += length;
      return reasoning.slice(at - length, at);
    }),
  );
  return at === reasoning.length && whole.map(reasoningOfBlock).join("") === reasoning ? whole : [];
}

export interface GivenBack {
  readonly content?: AIMessage["content"];
  readonly additional_kwargs?: Record<string, unknown>;
  readonly response_metadata?: Record<string, unknown>;
}

/** Fields of a message to a model, beside its text. */
export function givenBack({ giveBack, reasoning = "", content }: Message): GivenBack {
  if (giveBack === undefined) return {};
  const blocks = unfolded(giveBack.blocks ?? [], reasoning);
  const text = typeof content === "string" && content !== "" ? [{ type: "text", text: content }] : [];
  return {
    ...(blocks.length === 0 ? {} : { content: [...blocks, ...text] as AIMessage["content"] }),
    additional_kwargs: {
      ...giveBack.fields,
      ...(giveBack.reasoningContent === true ? { reasoning_content: reasoning } : {}),
    },
    response_metadata: giveBack.reasoningContent === true ? { says_reasoning_content: true } : {},
  };
}
