/**
 * Which answers continue the one before them: an assistant's message directly behind one of its that was interrupted or cut short.
 * Read off the messages wherever they are shown, so that no file says it. Pure.
 */
import { cutShortMessage } from "./finish-reasons.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";

function answerAt(messages: readonly Json[], index: number): JsonObject | undefined {
  const message = messages[index];
  return isJsonObject(message) && ownValue(message, "role") === "assistant" ? message : undefined;
}

export function isContinuation(messages: readonly Json[], index: number): boolean {
  const before = answerAt(messages, index - 1);
  if (before === undefined || answerAt(messages, index) === undefined) return false;
  return ownValue(before, "status") === "interrupted" || cutShortMessage(before) !== undefined;
}
