/**
 * The tools of one server as LangChain's, made by `@langchain/mcp-adapters`, which is handed a client that lists them as every
 * provider can take them, and whose results are text.
 */
import { loadMcpTools } from "@langchain/mcp-adapters";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import type { Json, JsonObject } from "../model/json.js";
import type { ServerConnection } from "./connection.js";
import { inputSchema, type InputSchema } from "./input-schema.js";
import { modelNameOf, pathOfTool } from "./names.js";
import { textOfResult } from "./results.js";
import { ServerFailure } from "./server-failure.js";

export interface ServerTool {
  readonly server: string;
  /** As the server names it. */
  readonly tool: string;
  /** As the model is told it. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly input: JsonObject;
  readonly call: StructuredToolInterface;
}

export interface LoadedTools {
  readonly tools: readonly ServerTool[];
  /** What was left out, a line each. */
  readonly notes: readonly string[];
}

interface Usable {
  readonly offered: Tool;
  readonly name: string;
  readonly input: InputSchema;
}

/** OpenAI takes no longer one. */
const MAX_DESCRIPTION = 1024;

type AdaptersClient = Parameters<typeof loadMcpTools>[1];

export async function toolsOf(
  connection: ServerConnection,
  offered: readonly Tool[],
  wanted: (tool: string) => boolean,
): Promise<LoadedTools> {
  const notes: string[] = [];
  const usable = usableOf(
    connection.name,
    offered.filter((tool) => wanted(tool.name)),
    notes,
  );
  const byName = new Map(usable.map((tool) => [tool.name, tool]));
  const loaded = await loadMcpTools(connection.name, clientFor(connection, byName), { throwOnLoadError: false });
  const tools = loaded.flatMap((call) => {
    const tool = byName.get(call.name);
    return tool === undefined ? [] : [{ ...described(connection.name, tool), call }];
  });
  return { tools, notes };
}

function described(server: string, { offered, name, input }: Usable): Omit<ServerTool, "call"> {
  return { server, tool: offered.name, name, description: offered.description ?? "", input: input.schema };
}

function usableOf(server: string, offered: readonly Tool[], notes: string[]): Usable[] {
  const found = new Map<string, Usable>();
  for (const tool of offered) {
    const path = JSON.stringify(pathOfTool({ server, tool: tool.name }));
    const name = modelNameOf({ server, tool: tool.name });
    const input = inputSchema(tool.inputSchema);
    if (found.has(name))
      notes.push(`the MCP server ${JSON.stringify(server)} offers two tools with the name ${path}: the first is used`);
    else if (input === undefined) notes.push(`${path} is left out: the description of its arguments is too large`);
    else found.set(name, { offered: tool, name, input });
  }
  return [...found.values()];
}

/** What the adapters ask of a client: a list, and calls. */
function clientFor(connection: ServerConnection, tools: ReadonlyMap<string, Usable>): AdaptersClient {
  const client = {
    listTools: async () => ({ tools: [...tools.values()].map(presented) }),
    callTool: async (
      { name, arguments: args = {} }: { name: string; arguments?: Record<string, unknown> },
      _schema: unknown,
      { signal }: { signal?: AbortSignal } = {},
    ) => {
      const tool = tools.get(name);
      if (tool === undefined) throw new ServerFailure(`has no tool ${name}`);
      const given = tool.input.given(args as Json) as Record<string, unknown>;
      const result = await connection.call(tool.offered.name, given, signal).catch(passedOn);
      const text = textOfResult(result);
      if (result.isError === true) throw new ToolException(text === "" ? "the tool failed and said nothing" : text);
      return { content: [{ type: "text", text }] };
    },
  };
  return client as unknown as AdaptersClient;
}

/** Passed on by the adapters as it is. */
class ToolException extends Error {
  override readonly name = "ToolException";
}

function passedOn(error: unknown): never {
  throw error instanceof ServerFailure ? new ToolException(error.message) : error;
}

function presented({ offered, name, input }: Usable): Pick<Tool, "name" | "description" | "inputSchema"> {
  const { description = "" } = offered;
  const short = description.length > MAX_DESCRIPTION ? `${description.slice(0, MAX_DESCRIPTION - 1)}…` : description;
  return { name, description: short, inputSchema: { ...input.schema, type: "object" } };
}
