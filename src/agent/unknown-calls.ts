/** Calls of tools that were not offered: the first of each answer is kept and gets one error as its result, which names all of them. */
import { LOST, RESULT_LOST, type OpenCall } from "../model/tool-calls.js";

type Tools = ReadonlyMap<string, unknown>;

const MAX_NAME = 64;

/** With one unknown call at most. Calls that cannot be carried out for another reason stay as they are. */
export function keepOneUnknown(calls: readonly OpenCall[], tools: Tools): OpenCall[] {
  const isUnknown = ({ name, error }: OpenCall): boolean => error === undefined && !tools.has(name);
  const unknown = calls.filter(isUnknown);
  return calls.flatMap((call) => {
    if (!isUnknown(call)) return [call];
    return call === unknown[0] ? [{ ...call, error: refusal(call, unknown.length - 1, tools) }] : [];
  });
}

function refusal(
  { name, startedAt, isElsewhere }: OpenCall,
  more: number,
  tools: Tools,
): { code: string; message: string } {
  if (startedAt !== undefined && !isElsewhere) return { code: LOST, message: RESULT_LOST };
  const others = more === 0 ? "" : `, and ${more} more calls of tools that do not exist`;
  const offered = tools.size === 0 ? "there are no tools" : `the tools are ${[...tools.keys()].join(", ")}`;
  const message = `Error: there is no tool named ${JSON.stringify(name.slice(0, MAX_NAME))}${others}; ${offered}.`;
  return { code: "TOOL", message };
}
