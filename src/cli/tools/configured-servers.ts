/** Which MCP servers are configured: those of --mcp or of the setting, which is taken only from where the user put it (settings/trust.ts). */
import { dirname, resolve } from "node:path";
import { DraftstateError, isDraftstateError, messageOf } from "../../errors.js";
import { readTextAtOnce } from "../../storage/user-file.js";
import type { ParsedServers, ServerConfig } from "../../mcp/server-config.js";
import type { CommandContext } from "../context.js";
import type { Origin } from "../settings/settings.js";

const MAX_BYTES = 4 * 2 ** 20;

/** Undefined where none are. Throws `INVALID_CONFIG`. */
export async function configuredServers(context: CommandContext): Promise<ParsedServers | undefined> {
  const { mcp } = context.settings;
  if (mcp === undefined) return undefined;
  const { parseServers } = await import("../../mcp/server-config.js");
  const place = typeof mcp === "string" ? context.pathOf(mcp) : fileOf(context.origins["mcp"]);
  const value = typeof mcp === "string" ? readJson(context.pathOf(mcp)) : mcp;
  const origin = typeof mcp === "string" ? mcp : `setting mcp (${place ?? "flag"})`;
  const { servers, secrets } = parseServers(value, { origin, env: context.env });
  const base = place === undefined ? context.io.directory : dirname(place);
  return { servers: servers.map((server) => startedFrom(base, server)), secrets };
}

function fileOf(origin: Origin | undefined): string | undefined {
  if (typeof origin !== "object" || "variable" in origin) return undefined;
  return "file" in origin ? origin.file : origin.userFile;
}

/** A relative directory starts at the file that names it. */
function startedFrom(base: string, server: ServerConfig): ServerConfig {
  return server.kind === "http" || server.cwd === undefined ? server : { ...server, cwd: resolve(base, server.cwd) };
}

function readJson(path: string): unknown {
  const text = read(path);
  if (text === undefined) throw refuse(path, "does not exist: give a file with mcpServers");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(path, `is not valid JSON (${messageOf(error)})`);
  }
}

function read(path: string): string | undefined {
  try {
    return readTextAtOnce(path, MAX_BYTES);
  } catch (error) {
    if (isDraftstateError(error)) throw new DraftstateError("INVALID_CONFIG", error.message, { path, cause: error });
    throw refuse(path, `cannot be read: ${messageOf(error)}`);
  }
}

function refuse(path: string, why: string): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `${path} ${why}`, { path });
}
