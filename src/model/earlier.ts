/** Whether a state is what a conversation was some tokens ago, in the answer that streams: all of it is in what the conversation is now. */
import { messagesOf } from "./conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";

const TOLD = ["messages", "currentNarrative", "streamingProperties"];

function partOf(state: JsonObject): unknown {
  const streaming = ownValue(state, "streamingProperties");
  return isJsonObject(streaming) ? ownValue(streaming, "partialResponse") : undefined;
}

function goesOnWith(text: unknown, beginning: unknown): boolean {
  return typeof text === "string" && typeof beginning === "string" && text.startsWith(beginning);
}

/** The answer so far: as it streams, or as the message that it became meanwhile. */
function answerBehind(messages: readonly Json[], now: JsonObject): unknown {
  const next = messagesOf(now)[messages.length];
  if (next === undefined) return partOf(now);
  return isJsonObject(next) && next["role"] === "assistant" ? next["content"] : undefined;
}

/** Also as the agent gives it, with the conversation's id in it. Unchanged parts are told by identity, since states share them. */
export function isEarlierInAnswer(given: unknown, now: JsonObject, id: string): boolean {
  if (!isJsonObject(given)) return false;
  const messages = messagesOf(given);
  const nowMessages = messagesOf(now);
  if (
    !messages.every((message, index) => message === nowMessages[index]) ||
    !goesOnWith(answerBehind(messages, now), partOf(given))
  )
    return false;
  const others = Object.keys(given).filter(
    (key) => !TOLD.includes(key) && !(key === "conversationId" && given[key] === id),
  );
  return (
    others.every((key) => Object.hasOwn(now, key) && given[key] === now[key]) &&
    Object.keys(now).every((key) => Object.hasOwn(given, key))
  );
}
