/** Tool calls and their results, a line each, as a person follows them. */
import type { TurnEvent } from "../../agent/turn.js";
import { textOf, type Message } from "../../model/conversation.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";

/** An easily read width, without a terminal that has one. */
const DEFAULT_WIDTH = 100;

export function toolLines(
  event: Extract<TurnEvent, { type: "tools" }>,
  pathOf: (name: string) => string,
  columns = DEFAULT_WIDTH,
): string[] {
  const answers = new Map(event.messages.map((message) => [message.toolCallId, message]));
  const calls = event.state.messages.flatMap((message) => message.toolCalls ?? []).filter(({ id }) => answers.has(id));
  const lines = event.messages.flatMap((message) => {
    const call = calls.findLast(({ id }) => id === message.toolCallId);
    const name = pathOf(call?.name ?? message.name ?? "tool");
    return [`⚙ ${name}(${call === undefined ? "" : JSON.stringify(call.args)})`, `  ${resultOf(message)}`];
  });
  return lines.map((line) => truncateToWidth(toSafeLine(line.slice(0, columns * 4)), columns));
}

function resultOf(message: Message): string {
  return message.error === undefined ? `→ ${textOf(message.content)}` : `✗ ${textOf(message.content)}`;
}
