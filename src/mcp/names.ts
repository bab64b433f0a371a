/**
 * Names of tools: `server/tool` for people and patterns, and one that every provider accepts for the model. The latter depends on
 * server and tool alone, so that another server never takes over a name that the user has allowed. Pure.
 */
import { createHash } from "node:crypto";

export interface ToolId {
  readonly server: string;
  /** As the server names it. */
  readonly tool: string;
}

const MAX_LENGTH = 64;
const HASH_LENGTH = 6;

export function pathOfTool({ server, tool }: ToolId): string {
  return `${server}/${tool}`;
}

/** Matches `^[a-zA-Z0-9_-]{1,64}$`. What had to be changed ends with a hash of the whole, and stays unique. */
export function modelNameOf({ server, tool }: ToolId): string {
  // Where the server's own name could pass for a border, the hash makes the difference.
  const isClear = !server.includes("__") && !server.endsWith("_");
  return acceptable(`${server}${isClear ? "__" : "/"}${tool}`, /[^a-zA-Z0-9_-]/g);
}

/** The name of an argument: `^[a-zA-Z0-9_.-]{1,64}$`. */
export function argumentNameOf(name: string): string {
  return acceptable(name, /[^a-zA-Z0-9_.-]/g);
}

function acceptable(name: string, others: RegExp): string {
  const plain = name.replaceAll(others, "_");
  if (plain === name && name !== "" && name.length <= MAX_LENGTH) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_LENGTH);
  return `${plain.slice(0, MAX_LENGTH - HASH_LENGTH - 1)}_${hash}`;
}

/** `server`, `server/tool`, with `*` for any characters; `*` alone is every tool. */
export function matchesPattern(pattern: string, { server, tool }: ToolId): boolean {
  const slash = pattern.indexOf("/");
  const [servers, tools] = slash === -1 ? [pattern, "*"] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  return matchesGlob(servers, server) && matchesGlob(tools === "" ? "*" : tools, tool);
}

/** Linear for every pattern: each piece is looked for from where the one before ends. */
function matchesGlob(glob: string, text: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return glob === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
