/** Arguments of tool calls that LangChain has completed by guessing, where the model broke off: no tool is called with them. */
import type { AIMessageChunk } from "@langchain/core/messages";
import { isJsonObject } from "../model/json.js";

function isWhole(args: string | undefined): boolean {
  if (args === undefined || args.trim() === "") return true;
  try {
    return isJsonObject(JSON.parse(args));
  } catch {
    return false;
  }
}

/** The message, its guessed calls now among the invalid ones, with their arguments as they came. */
export function refuseMendedCalls(message: AIMessageChunk): AIMessageChunk {
  for (const { id, name, args } of message.tool_call_chunks ?? []) {
    const index = isWhole(args)
      ? -1
      : (message.tool_calls ?? []).findIndex((call) => call.id === id && call.name === name);
    const [call] = index === -1 ? [] : (message.tool_calls?.splice(index, 1) ?? []);
    if (call === undefined) continue;
    const broken = { name: call.name, args: args ?? "", error: "Malformed args.", type: "invalid_tool_call" as const };
    message.invalid_tool_calls = [
      ...(message.invalid_tool_calls ?? []),
      call.id === undefined ? broken : { ...broken, id: call.id },
    ];
  }
  return message;
}
