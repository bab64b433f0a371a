/**
 * Tool calls as every server takes them: each with its result right behind it, ids that no two share, names of functions. Calls
 * that were neither begun nor answered are left out, and so are results without a call. Pure.
 */
import type { Message, ToolCall } from "../model/conversation.js";
import { RESULT_LOST } from "../model/tool-calls.js";
import { textFor } from "./content-parts.js";

/** As the strictest known servers take them. */
const CALL_ID = /^[A-Za-z0-9_-]{1,40}$/;
const MAX_NAME = 64;
export const NO_RESULT = "[no result of this call was kept]";
const NO_OUTPUT = "[no output]";

interface OpenCall {
  readonly call: ToolCall;
  result: Message | undefined;
}

/** The calls of each message with the results that were found for them, wherever these stand behind it. */
function pairsOf(messages: readonly Message[]): Map<Message, OpenCall[]> {
  const pairs = new Map<Message, OpenCall[]>();
  const open = new Map<string, OpenCall>();
  for (const message of messages) {
    if (message.role === "tool") {
      const pair = open.get(message.toolCallId ?? "");
      if (pair !== undefined) pair.result = message;
      open.delete(message.toolCallId ?? "");
    } else if (message.role === "assistant") {
      const calls = (message.toolCalls ?? []).map((call) => ({ call, result: undefined }));
      for (const pair of calls) open.set(pair.call.id, pair);
      pairs.set(message, calls);
    }
  }
  return pairs;
}

function functionName(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, MAX_NAME);
  return safe === "" ? "tool" : safe;
}

class CallIds {
  readonly #taken = new Set<string>();
  #count = 0;

  next(given: string): string {
    let id = given;
    while (!CALL_ID.test(id) || this.#taken.has(id)) {
      this.#count += 1;
      id = `call_${this.#count}`;
    }
    this.#taken.add(id);
    return id;
  }
}

function resultFor(message: Message, { call, result }: OpenCall, id: string): Message {
  const name = functionName(call.name);
  if (result === undefined)
    return {
      id: `${message.id}-${id}`,
      role: "tool",
      content: call.startedAt === undefined ? NO_RESULT : RESULT_LOST,
      createdAt: message.createdAt,
      toolCallId: id,
      name,
    };
  const text = textFor(result.content);
  return { ...result, content: text === "" ? NO_OUTPUT : text, toolCallId: id, name };
}

export function pairCalls(messages: readonly Message[]): Message[] {
  const pairs = pairsOf(messages);
  const ids = new CallIds();
  return messages.flatMap((message) => {
    if (message.role === "tool") return [];
    const { toolCalls: _calls, ...rest } = message;
    const calls = pairs.get(message) ?? [];
    if (!calls.some(({ call, result }) => result !== undefined || call.startedAt !== undefined)) return [rest];
    const named = calls.map((pair) => ({ pair, id: ids.next(pair.call.id) }));
    const toolCalls = named.map(({ pair: { call }, id }) => ({ id, name: functionName(call.name), args: call.args }));
    return [{ ...rest, toolCalls }, ...named.map(({ pair, id }) => resultFor(message, pair, id))];
  });
}
