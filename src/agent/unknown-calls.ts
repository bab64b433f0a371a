/** Calls of tools that nobody offered: of each answer the first is kept and gets one error as its result, that tells of all. */
import { AIMessage, ToolMessage, type AIMessageChunk } from "@langchain/core/messages";

type Tools = ReadonlyMap<string, unknown>;

const MAX_NAME = 64;

/** What the results say, by the id of the call that is kept. */
export type Refusals = Map<string, string>;

/** The message with one unknown call at most. */
export function keepOneUnknown(message: AIMessageChunk, tools: Tools, refusals: Refusals): AIMessageChunk {
  const calls = message.tool_calls ?? [];
  const unknown = calls.filter(({ name }) => !tools.has(name));
  const [first] = unknown;
  if (first === undefined) return message;
  refusals.set(first.id ?? "", refusal(first.name, unknown.length - 1, tools));
  message.tool_calls = calls.filter((call) => call === first || tools.has(call.name));
  return message;
}

function refusal(name: string, more: number, tools: Tools): string {
  const others = more === 0 ? "" : `, and ${more} more calls of tools that do not exist`;
  const offered = tools.size === 0 ? "there are no tools" : `the tools are ${[...tools.keys()].join(", ")}`;
  return `Error: there is no tool named ${JSON.stringify(name.slice(0, MAX_NAME))}${others}; ${offered}.`;
}

export interface Split {
  readonly known: AIMessage | undefined;
  readonly refused: readonly ToolMessage[];
}

/** What tools can answer, and the answers to the rest. */
export function splitCalls(message: AIMessage, tools: Tools, refusals: Refusals): Split {
  const calls = message.tool_calls ?? [];
  const known = calls.filter(({ name }) => tools.has(name));
  const refused = calls
    .filter(({ name }) => !tools.has(name))
    .map(({ id = "", name }) => {
      const content = refusals.get(id) ?? refusal(name, 0, tools);
      refusals.delete(id);
      return new ToolMessage({ content, tool_call_id: id, name, status: "error" });
    });
  return { known: known.length === 0 ? undefined : new AIMessage({ content: "", tool_calls: known }), refused };
}
