/**
 * The tools that the model of a chat may ask for: those of the configured MCP servers that --tool selects. --allow-tool and
 * --yes-tools say which of them run without asking. Nothing is loaded where no server is configured.
 */
import { DraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { ServerTool } from "../../mcp/servers.js";

export interface ToolOptions {
  readonly tool?: readonly string[];
  readonly allowTool?: readonly string[];
  readonly yesTools?: boolean;
  /** What becomes of a call that was begun and has no result. */
  readonly lostCalls?: "repeat" | "error";
}

export interface TurnTools {
  /** By a flag of this run, not by the settings alone. */
  readonly isAskedFor: boolean;
  /** All that are offered. */
  readonly all: readonly ServerTool[];
  /** Those that run without asking. */
  readonly allowed: readonly ServerTool[];
  readonly lostCalls: ToolOptions["lostCalls"];
  /** To be kept out of messages. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

/** Undefined where no server is configured. Throws `USAGE`. */
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
  for (const pattern of options.allowTool ?? [])
    if (!all.some((tool) => matchesPattern(pattern, tool))) context.output.warning(noMatch(pattern, all));
  const close = (): Promise<void> => servers.close();
  const isAskedFor = context.origins["mcp"] === "flag" || options.tool !== undefined;
  return { isAskedFor, all, allowed: all.filter(isAllowed), lostCalls: options.lostCalls, secrets, close };
}

const MOST_NAMED = 8;

function noMatch(pattern: string, all: readonly ServerTool[]): string {
  const paths = all.map(({ server, tool }) => `${server}/${tool}`);
  const named = toSafeLine([...paths.slice(0, MOST_NAMED), ...(paths.length > MOST_NAMED ? ["…"] : [])].join(", "));
  return `--allow-tool ${toSafeLine(pattern)} matches none of the tools${named === "" ? "" : ` (${named})`}: "draftstate tools" lists them`;
}

function assertUnused({ tool, allowTool, yesTools, lostCalls }: ToolOptions): void {
  const given = [...(tool ?? []), ...(allowTool ?? [])].length > 0 || yesTools === true || lostCalls !== undefined;
  if (!given) return;
  throw new DraftstateError(
    "USAGE",
    "--tool, --allow-tool, --yes-tools and --lost-calls need MCP servers: name them with --mcp <file>",
  );
}
