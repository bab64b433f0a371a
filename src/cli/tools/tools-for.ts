/**
 * The tools that the model of a chat may call: those of the configured MCP servers that --tool selects, and of these the ones that
 * --allow-tool or --yes-tools allows. Nothing is loaded where no server is configured.
 */
import { DraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import type { ServerTool } from "../../mcp/servers.js";

export interface ToolOptions {
  readonly tool?: readonly string[];
  readonly allowTool?: readonly string[];
  readonly yesTools?: boolean;
}

export interface TurnTools {
  /** All that are offered. */
  readonly all: readonly ServerTool[];
  /** Those that may be called. */
  readonly allowed: readonly ServerTool[];
  /** To be kept out of messages. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

/** Undefined where no server is configured. Throws `USAGE` if no tool may be called. */
export async function toolsFor(context: CommandContext, options: ToolOptions): Promise<TurnTools | undefined> {
  if (context.settings.mcp === undefined) {
    assertUnused(options);
    return undefined;
  }
  const [{ configuredServers }, { startServers }, { matchesPattern }] = await Promise.all([
    import("./configured-servers.js"),
    import("./start-servers.js"),
    import("../../mcp/names.js"),
  ]);
  const configured = await configuredServers(context);
  if (configured === undefined || configured.servers.length === 0) return undefined;
  const servers = await startServers(context, configured, options.tool);
  const { tools: all, secrets } = servers;
  const isAllowed = (tool: ServerTool): boolean =>
    options.yesTools === true || (options.allowTool ?? []).some((pattern) => matchesPattern(pattern, tool));
  const allowed = all.filter(isAllowed);
  const close = (): Promise<void> => servers.close();
  if (allowed.length > 0 || all.length === 0) return { all, allowed, secrets, close };
  await close();
  throw new DraftstateError(
    "USAGE",
    "no tool may be called: allow some with --allow-tool <server>/<tool> (* for any), or all with --yes-tools",
  );
}

function assertUnused({ tool, allowTool, yesTools }: ToolOptions): void {
  const given = [...(tool ?? []), ...(allowTool ?? [])].length > 0 || yesTools === true;
  if (!given) return;
  throw new DraftstateError(
    "USAGE",
    "--tool, --allow-tool and --yes-tools need MCP servers: name them with --mcp <file>",
  );
}
