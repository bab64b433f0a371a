/** Calls of tools as a model's graph makes them, and whether a process is gone. */
import { fileURLToPath } from "node:url";
import type { ConnectedServers } from "../../src/mcp/servers.js";
import { pathOfTool } from "../../src/mcp/names.js";
import { until } from "../e2e/cli.js";

export const DOUBLE = fileURLToPath(new URL("double-server.mjs", import.meta.url));

/** By the tool's name, or `server/tool`. */
export async function callOf(
  { tools }: Pick<ConnectedServers, "tools">,
  name: string,
  args: object = {},
  signal?: AbortSignal,
): Promise<string> {
  const tool = tools.find((each) => each.tool === name || pathOfTool(each) === name);
  if (tool === undefined) throw new Error(`there is no tool ${name} among ${tools.map(pathOfTool).join(", ")}`);
  const result: unknown = await tool.call.invoke(args, signal === undefined ? {} : { signal });
  return typeof result === "string" ? result : JSON.stringify(result);
}

/** A zombie is not gone. */
export async function isGone(pid: number): Promise<void> {
  await until(
    () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    },
    () => `the process ${pid} to be gone`,
  );
}

export async function mayTake<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
