/** The messages of a conversation as a person reads them: with the partial answer that is not a message yet. Pure. */
import { messagesOf, statusOf, streamingOf } from "./conversation.js";
import { ownValue, type Json, type JsonObject } from "./json.js";

export function shownMessages(state: JsonObject): readonly Json[] {
  return statusOf(state) === "streaming" ? [...messagesOf(state), partialAnswer(state)] : messagesOf(state);
}

function partialAnswer(state: JsonObject): Json {
  const streaming = streamingOf(state);
  const reasoning = ownValue(streaming, "partialReasoning");
  return {
    role: "assistant",
    content: ownValue(streaming, "partialResponse") ?? "",
    ...(reasoning === undefined ? {} : { reasoning }),
    createdAt: ownValue(streaming, "streamingStartTime") ?? "",
    status: "streaming",
  };
}
