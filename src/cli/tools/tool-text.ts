/** A tool as a person reads it: `server/tool(path, head?)`, and a line of what it does. Its words are its server's: made safe. */
import { isJsonObject, type JsonObject } from "../../model/json.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";

export interface Described {
  readonly server: string;
  readonly tool: string;
  readonly description: string;
  readonly input: JsonObject;
}

const MAX_SIGNATURE = 400;
const PIPE_WIDTH = 200;

export function signatureOf({ server, tool, input }: Described): string {
  return toSafeLine(`${server}/${tool}(${argumentsOf(input).join(", ")})`.slice(0, MAX_SIGNATURE));
}

/** Those that may be left out end with a question mark. */
function argumentsOf({ properties, required }: JsonObject): string[] {
  if (!isJsonObject(properties)) return [];
  const needed = Array.isArray(required) ? required : [];
  return Object.keys(properties).map((name) => (needed.includes(name) ? name : `${name}?`));
}

/** The first line of its description on one row of the terminal, behind this margin; empty if there is none. */
export function summaryOf({ description }: Described, margin: string, width = PIPE_WIDTH): string {
  const [first = ""] = description.trim().split("\n");
  const line = truncateToWidth(toSafeLine(first.slice(0, PIPE_WIDTH * 4)), width - margin.length);
  return line === "" ? "" : `${margin}${line}`;
}
