/**
 * MCP servers for one run: all started at once, their tools under names that no two share, and ended together. One that fails is
 * a note, and the others are used.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { Proxies } from "../http/policy.js";
import { ServerConnection } from "./connection.js";
import { matchesPattern, pathOfTool } from "./names.js";
import type { Environment } from "./process-transport.js";
import type { ServerConfig } from "./server-config.js";
import { toolsOf, type LoadedTools, type ServerTool } from "./server-tools.js";

export type { ServerTool } from "./server-tools.js";

export interface ServersOptions {
  /** Patterns such as `server` or `server/tool`; all tools where it is left out. */
  readonly select?: readonly string[];
  /** Ends the start. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a call may take; 0 waits for ever. */
  readonly timeout: number;
  readonly proxies: Proxies | undefined;
  readonly env: Environment;
  readonly secrets: readonly string[];
  readonly version: string;
}

export interface ConnectedServers {
  readonly tools: readonly ServerTool[];
  /** What went wrong or was left out, a line each. */
  readonly notes: readonly string[];
  /** Servers that could not be used. */
  readonly failed: readonly string[];
  /** Resolves when no process of theirs is left. */
  close(): Promise<void>;
}

/** Providers take no more. */
const MAX_TOOLS = 128;

class Servers implements ConnectedServers {
  readonly #connections: readonly ServerConnection[];
  tools: readonly ServerTool[] = [];
  notes: readonly string[] = [];
  failed: readonly string[] = [];

  constructor(
    configs: readonly ServerConfig[],
    private readonly options: ServersOptions,
  ) {
    const wanted = configs.filter(({ name }) => this.#patterns.some((pattern) => isFor(pattern, name)));
    this.#connections = wanted.map((config) => new ServerConnection(config, options));
  }

  async load(): Promise<void> {
    const loaded = await Promise.all(this.#connections.map((connection) => this.#load(connection)));
    this.options.signal?.throwIfAborted();
    this.tools = loaded.flatMap(({ tools }) => tools);
    this.notes = loaded.flatMap(({ notes }) => notes);
    this.failed = this.#connections.filter((_, index) => loaded[index]?.isUp === false).map(({ name }) => name);
    this.#assertUsable(loaded);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  get #patterns(): readonly string[] {
    return this.options.select ?? ["*"];
  }

  async #load(connection: ServerConnection): Promise<LoadedTools & { readonly isUp: boolean }> {
    const { name } = connection;
    const isWanted = (tool: string): boolean =>
      this.#patterns.some((pattern) => matchesPattern(pattern, { server: name, tool }));
    try {
      const offered = await connection.list(this.options.signal);
      return { ...(await toolsOf(connection, offered, isWanted)), isUp: true };
    } catch (error) {
      return { tools: [], notes: [messageOf(error)], isUp: false };
    }
  }

  #assertUsable(loaded: readonly { readonly isUp: boolean }[]): void {
    const { tools, notes } = this;
    if (loaded.length > 0 && loaded.every(({ isUp }) => !isUp))
      throw new DraftstateError("INVALID_CONFIG", notes.join("; "), { path: "mcp" });
    const missing = (this.options.select ?? []).find((pattern) => !tools.some((tool) => matchesPattern(pattern, tool)));
    if (missing !== undefined && loaded.every(({ isUp }) => isUp)) throw this.#noTool(missing);
    if (tools.length > MAX_TOOLS)
      throw new DraftstateError(
        "USAGE",
        `the servers offer ${tools.length} tools, and models take ${MAX_TOOLS}: choose some with --tool <server>/<tool>`,
      );
  }

  #noTool(pattern: string): DraftstateError {
    const offered = this.tools.map(pathOfTool).slice(0, 10).join(", ");
    return new DraftstateError(
      "USAGE",
      `no server offers a tool ${JSON.stringify(pattern)}: draftstate tools lists them${offered === "" ? "" : ` (${offered})`}`,
    );
  }
}

function isFor(pattern: string, server: string): boolean {
  const [servers = ""] = pattern.split("/");
  return matchesPattern(servers, { server, tool: "" });
}

/** Throws `INVALID_CONFIG` if no server can be used, `USAGE` if a selection names no tool, the signal's reason if it ends the start. */
export async function connectServers(
  configs: readonly ServerConfig[],
  options: ServersOptions,
): Promise<ConnectedServers> {
  const servers = new Servers(configs, options);
  try {
    await servers.load();
  } catch (error) {
    await servers.close();
    throw error;
  }
  return servers;
}
