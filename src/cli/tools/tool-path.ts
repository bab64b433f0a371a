/** The one name that a person sees of a tool, `server/tool`; a model is told another, which providers accept. */
import type { TurnTools } from "./tools-for.js";

export function toolPath(tools: Pick<TurnTools, "all"> | undefined, name: string): string {
  const tool = tools?.all.find((each) => each.name === name);
  return tool === undefined ? name : `${tool.server}/${tool.tool}`;
}
