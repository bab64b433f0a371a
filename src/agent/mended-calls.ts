/**
 * Arguments of tool calls that LangChain has completed by guessing, where the model broke off, or that no state can hold (`__proto__`, too
 * deep): no tool is called with them.
 */
import type { AIMessageChunk } from "@langchain/core/messages";
import { freezeJson, isJsonObject } from "../model/json.js";

function isWhole(args: string | undefined): boolean {
  if (args === undefined || args.trim() === "") return true;
  try {
    return isJsonObject(freezeJson(JSON.parse(args)));
  } catch {
    return false;
  }
}

type ToolCalls = NonNullable<AIMessageChunk["tool_calls"]>;

function refuse(message: AIMessageChunk, call: ToolCalls[number], args: string): void {
  message.tool_calls = (message.tool_calls ?? []).filter((each) => each !== call);
  const broken = { name: call.name, args, error: "Malformed args.", type: "invalid_tool_call" as const };
  message.invalid_tool_calls = [
    ...(message.invalid_tool_calls ?? []),
    call.id === undefined ? broken : { ...broken, id: call.id },
  ];
}

/** The message, calls that were guessed or cannot be kept now among the invalid ones, with their arguments as they came. */
export function refuseMendedCalls(message: AIMessageChunk): AIMessageChunk {
  for (const { id, name, args } of message.tool_call_chunks ?? []) {
    if (isWhole(args)) continue;
    const call = (message.tool_calls ?? []).find((each) => each.id === id && each.name === name);
    if (call !== undefined) refuse(message, call, args ?? "");
  }
  for (const call of message.tool_calls ?? []) {
    const args = JSON.stringify(call.args);
    if (!isWhole(args)) refuse(message, call, args);
  }
  return message;
}
