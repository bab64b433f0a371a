/**
 * Reasoning that a server gets back with the results of its calls, within one turn: servers that send `reasoning_content` beside calls refuse
 * the calls without it. Never sent for earlier turns. Pure.
 */
import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { OpenAIClient } from "@langchain/openai";

type WireMessages = OpenAIClient.Chat.ChatCompletionMessageParam[];

export type Reasoning = ReadonlyMap<string, string>;

export function reasoningOf(message: BaseMessage): string {
  const thought: unknown = Reflect.get(message.additional_kwargs, "reasoning_content");
  return typeof thought === "string" ? thought : "";
}

const SAYS = "says_reasoning_content";

/** Of a message whose server names what it thinks `reasoning_content`, and so may want it back. */
export function saysReasoningContent(message: BaseMessage): boolean {
  return Reflect.get(message.response_metadata, SAYS) === true;
}

export function markReasoningContent(message: BaseMessage): void {
  message.response_metadata = { ...message.response_metadata, [SAYS]: true };
}

/** By the id of a message's first call. */
export function reasoningOfTurn(messages: readonly BaseMessage[]): Reasoning {
  const asked = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  return new Map(
    messages.slice(asked + 1).flatMap((message) => {
      const id = AIMessage.isInstance(message) ? message.tool_calls?.[0]?.id : undefined;
      const thought = reasoningOf(message);
      return id === undefined || thought === "" || !saysReasoningContent(message) ? [] : [[id, thought] as const];
    }),
  );
}

export function withReasoning(messages: WireMessages, reasoning: Reasoning): WireMessages {
  return messages.map((message) => {
    const id = message.role === "assistant" ? message.tool_calls?.[0]?.id : undefined;
    const thought = id === undefined ? undefined : reasoning.get(id);
    return thought === undefined ? message : { ...message, reasoning_content: thought };
  });
}
