/** Tool calls are told apart by their ids, and there are servers that give each call of a turn the same, or none. */
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";

function idsIn(messages: readonly BaseMessage[]): Set<string> {
  return new Set(
    messages
      .flatMap((message) => (AIMessage.isInstance(message) ? (message.tool_calls ?? []) : []))
      .flatMap(({ id }) => id ?? []),
  );
}

/** The message, each call with an id that none before it has. */
export function distinguishCalls(message: AIMessageChunk, before: readonly BaseMessage[]): AIMessageChunk {
  const taken = idsIn(before);
  for (const call of message.tool_calls ?? []) {
    const given = call.id ?? "call";
    let id = given;
    for (let count = 2; taken.has(id); count += 1) id = `${given}-${count}`;
    call.id = id;
    taken.add(id);
  }
  return message;
}
