/**
 * The MCP servers of one run of a command: started with a word to the person who waits, and ended with the process, whatever ends
 * it. Loaded only where a server is configured.
 */
import { proxiesOf } from "../../http/policy.js";
import type { ConnectedServers, ServerTool } from "../../mcp/servers.js";
import type { ParsedServers } from "../../mcp/server-config.js";
import type { CommandContext } from "../context.js";
import { unencrypted } from "../settings/key-host.js";
import { startSpinner } from "../terminal/screen/spinner.js";
import { catchInterrupts, endOnSignals } from "../terminal/input/interrupts.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { readVersion } from "../version.js";
import { QuestionInterrupted } from "../terminal/input/question-interrupted.js";

export type { ServerTool };

export interface RunningServers {
  readonly tools: readonly ServerTool[];
  readonly failed: readonly string[];
  /** What went wrong or was left out; said already. */
  readonly notes: readonly string[];
  /** Of their configuration: to be kept out of messages. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

export async function startServers(
  context: CommandContext,
  { servers, secrets }: ParsedServers,
  select: readonly string[] | undefined,
): Promise<RunningServers> {
  const { control } = context.io;
  const abort = new AbortController();
  const interrupts = catchInterrupts(control, () => {
    abort.abort(new QuestionInterrupted(interrupts.status));
  });
  warnOfPlainText(context, servers);
  const spinner = await startSpinner(context.output, `starting ${servers.map(({ name }) => name).join(", ")}`);
  try {
    const { connectServers } = await import("../../mcp/servers.js");
    const connected = await connectServers(servers, {
      ...(select === undefined ? {} : { select }),
      signal: abort.signal,
      timeout: context.settings.toolTimeout,
      proxies: proxiesOf(context.env),
      env: context.env,
      secrets,
      version: readVersion(),
    });
    spinner.stop();
    for (const note of connected.notes) context.output.warning(toSafeLine(note));
    return { ...outcomeOf(connected), secrets, close: endsWith(context, connected) };
  } finally {
    spinner.stop();
    interrupts.release();
  }
}

function outcomeOf({ tools, failed, notes }: ConnectedServers): Omit<RunningServers, "secrets" | "close"> {
  return { tools, failed, notes };
}

/** Servers end with the process; a signal that nobody else catches has to end it as if by itself. */
function endsWith({ io: { control } }: CommandContext, connected: ConnectedServers): () => Promise<void> {
  const release = endOnSignals(control);
  return async () => {
    await connected.close();
    release();
  };
}

function warnOfPlainText({ output }: CommandContext, servers: ParsedServers["servers"]): void {
  for (const server of servers) {
    const warning = server.kind === "http" ? unencrypted(server.url) : undefined;
    if (warning !== undefined) output.warning(warning);
  }
}
