/** A directory in which a chat has a tool that counts its calls, and servers that ask for it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Workspace } from "./cli.js";
import type { Script } from "./servers.js";

const SERVER = fileURLToPath(new URL("../doubles/counting-server.mjs", import.meta.url));

/** Flags that give a chat the tool `count/add`. */
export function countingTool(workspace: Workspace): string[] {
  const env = { COUNT: join(workspace.directory, "count") };
  const server = { command: process.execPath, args: [SERVER], env };
  writeFileSync(join(workspace.directory, "mcp.json"), JSON.stringify({ mcpServers: { count: server } }));
  return ["--mcp", "mcp.json"];
}

/** What the tool was called with, in order. */
export function counted(workspace: Workspace): string[] {
  try {
    return readFileSync(join(workspace.directory, "count"), "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

/** An answer that asks for the tool, once for each text. */
export function askingFor(...texts: readonly string[]): Script {
  return (answer) => {
    for (const [index, text] of texts.entries()) {
      const called = { name: "count__add", arguments: JSON.stringify({ text }) };
      const call = { index, id: `call-${text}`, type: "function", function: called };
      answer.chunk({ choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] });
    }
    answer.finish("tool_calls");
    answer.done();
  };
}
