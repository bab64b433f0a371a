/** Finish reasons of an answer that ended before the model had said all of it, in the words of each provider. Pure. */
import { isJsonObject, ownValue, type Json } from "./json.js";

/** `length`: at its limit of tokens; `filter`: held back by the provider. */
export type CutShort = "length" | "filter";

const LENGTH = ["length", "max_tokens", "model_length", "model_context_window_exceeded"];
const FILTER = [
  "content_filter",
  "content_filtered",
  "guardrail_intervened",
  "refusal",
  "safety",
  "recitation",
  "blocklist",
  "prohibited_content",
  "spii",
];

export function cutShort(finishReason: string | undefined): CutShort | undefined {
  const reason = finishReason?.toLowerCase();
  if (reason === undefined) return undefined;
  if (LENGTH.includes(reason)) return "length";
  return FILTER.includes(reason) ? "filter" : undefined;
}

/** Reasons for stopping that are failures. */
const FAILURES = ["error", "abort", "aborted", "cancelled", "canceled", "model_error"];

export function isFailure(finishReason: string): boolean {
  return FAILURES.includes(finishReason.toLowerCase());
}

/** Of a message of a state. */
export function cutShortMessage(message: Json | undefined): CutShort | undefined {
  const reason =
    isJsonObject(message) && message["role"] === "assistant" ? ownValue(message, "finishReason") : undefined;
  return typeof reason === "string" ? cutShort(reason) : undefined;
}

/** For a heading: `cut off at the token limit`. */
export const CUT_SHORT: Readonly<Record<CutShort, string>> = {
  length: "cut off at the token limit",
  filter: "cut off by the provider's filter",
};
