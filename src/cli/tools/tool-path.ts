/** The one name that a person sees of a tool, `server/tool`; a model is told another, which providers accept. */
import type { TurnTools } from "./tools-for.js";

/** Of a call that is kept, by whatever servers it was made: `server__tool`, as src/mcp/names.ts makes it of a server's tool. */
export function pathOfKept(name: string): string {
  return name.replace(/^([^_](?:[^_]|_(?!_))*?)__(?=[^_])/, "$1/");
}

export function toolPath(tools: Pick<TurnTools, "all"> | undefined, name: string): string {
  const tool = tools?.all.find((each) => each.name === name);
  return tool === undefined ? pathOfKept(name) : `${tool.server}/${tool.tool}`;
}
