/** `tools`: starts the configured MCP servers, lists what they offer, and ends them. */
import { DraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import { configuredServers } from "../tools/configured-servers.js";
import { startServers, type RunningServers } from "../tools/start-servers.js";
import { signatureOf, summaryOf } from "../tools/tool-text.js";
import type { Register } from "./registration.js";

const NOT_ALL = 2;

export const registerTools: Register = (program, run) => {
  program
    .command("tools [pattern...]")
    .summary("list the tools that MCP servers offer to a model")
    .description(
      "Start the configured MCP servers and list the tools that they offer to a model: name, arguments and description. A pattern is a server, or <server>/<tool>, with * for any characters.",
    )
    .option("--mcp <file>", "these MCP servers: a file with mcpServers")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate tools --mcp mcp.json\n  draftstate tools 'files/read_*'\n  draftstate tools --json | jq -r '.tools[].name'",
    )
    .action((patterns: readonly string[]) => run((context) => list(context, patterns)));
};

async function list(context: CommandContext, patterns: readonly string[]): Promise<number> {
  const configured = await configuredServers(context);
  if (configured === undefined)
    throw new DraftstateError(
      "USAGE",
      "no MCP servers are configured: name a file with --mcp, or give them as mcp in your own settings",
    );
  const servers = await startServers(context, configured, patterns.length === 0 ? undefined : patterns);
  try {
    if (context.json) context.output.json(describe(servers));
    else print(context, servers);
  } finally {
    await servers.close();
  }
  return servers.failed.length > 0 ? NOT_ALL : 0;
}

function describe({ tools, failed, notes }: RunningServers): unknown {
  return {
    tools: tools.map(({ server, tool, name, description, input }) => ({ server, tool, name, description, input })),
    failed,
    notes,
  };
}

function print({ output }: CommandContext, { tools }: RunningServers): void {
  for (const tool of tools) {
    output.line(output.style.bold(signatureOf(tool)));
    const summary = summaryOf(tool, "  ", output.width);
    if (summary !== "") output.line(summary);
  }
  if (tools.length === 0) output.message("the servers offer no tools");
}
