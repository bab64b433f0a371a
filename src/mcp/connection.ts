/**
 * One server: started when it is first needed, and again for a new call after it has ended; a call that it did not answer is never
 * repeated. Whatever goes wrong is a `ServerFailure` of one line that names the server, with no secret in it.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, McpError, type CallToolResult, type Tool } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../errors.js";
import { policyErrorIn, type Proxies } from "../http/policy.js";
import { HttpTransport } from "./http-transport.js";
import { ProcessTransport, type Environment } from "./process-transport.js";
import type { ServerConfig } from "./server-config.js";
import { ServerFailure } from "./server-failure.js";
import { withoutSecrets } from "./secrets.js";

export interface ConnectionOptions {
  /** Milliseconds that a call may take; 0 waits for ever. */
  readonly timeout: number;
  readonly proxies: Proxies | undefined;
  readonly env: Environment;
  readonly secrets: readonly string[];
  readonly version: string;
}

interface ServerTransport extends Transport {
  readonly end: string | undefined;
  readonly lastWords: readonly string[];
}

/** Milliseconds that a server may take to start, which may mean that npx fetches it first. */
const START_TIMEOUT = 60_000;
const NEVER = 2 ** 31 - 1;
const MAX_PAGES = 50;
const MAX_DETAIL = 300;

/** What a tool promises of its output is between it and its server: only its text is shown. */
const UNCHECKED = {
  getValidator: () => (input: unknown) => ({ valid: true as const, data: input as never, errorMessage: undefined }),
};

export class ServerConnection {
  readonly #timeout: number;
  #transport: ServerTransport | undefined;
  #client: Promise<Client> | undefined;
  #isClosed = false;

  constructor(
    readonly config: ServerConfig,
    private readonly options: ConnectionOptions,
  ) {
    this.#timeout = config.timeout ?? options.timeout;
  }

  get name(): string {
    return this.config.name;
  }

  /** All that it offers. Throws `ServerFailure`. */
  async list(signal: AbortSignal | undefined): Promise<readonly Tool[]> {
    const request = { timeout: this.#startTimeout, ...(signal === undefined ? {} : { signal }) };
    return this.#told("did not say what tools it has", this.#startTimeout, async () => {
      const client = await this.#running(signal);
      const tools: Tool[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const listed = await client.listTools(cursor === undefined ? {} : { cursor }, request);
        tools.push(...listed.tools);
        cursor = listed.nextCursor;
        if (cursor === undefined) return tools;
      }
      throw new ServerFailure(`has more than ${MAX_PAGES} pages of tools`);
    });
  }

  /** Throws `ServerFailure`; the reason of the signal where that ends the call. */
  async call(tool: string, args: Record<string, unknown>, signal: AbortSignal | undefined): Promise<CallToolResult> {
    const timeout = this.#timeout === 0 ? NEVER : this.#timeout;
    const result = await this.#told(`did not answer the call of ${tool}`, timeout, async () => {
      const client = await this.#running(signal);
      const request = { timeout, ...(signal === undefined ? {} : { signal }) };
      return client.callTool({ name: tool, arguments: args }, undefined, request);
    });
    signal?.throwIfAborted();
    return result as CallToolResult;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#transport?.close();
  }

  get #startTimeout(): number {
    return this.#timeout === 0 ? START_TIMEOUT : Math.min(this.#timeout, START_TIMEOUT);
  }

  #running(signal: AbortSignal | undefined): Promise<Client> {
    if (this.#isClosed) throw new ServerFailure("was closed");
    this.#client ??= this.#start(signal).catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #start(signal: AbortSignal | undefined): Promise<Client> {
    const transport = this.#newTransport();
    this.#transport = transport;
    const client = new Client(
      { name: "draftstate", version: this.options.version },
      { jsonSchemaValidator: UNCHECKED, enforceStrictCapabilities: false },
    );
    client.onclose = () => {
      this.#client = undefined;
    };
    client.onerror = () => undefined;
    const request = { timeout: this.#startTimeout, ...(signal === undefined ? {} : { signal }) };
    try {
      await client.connect(transport, request);
    } catch (error) {
      await transport.close();
      throw error;
    }
    return client;
  }

  #newTransport(): ServerTransport {
    const { config, options } = this;
    if (config.kind === "stdio") return new ProcessTransport(config, options.env);
    return new HttpTransport(config, { connection: { proxies: options.proxies }, timeout: this.#timeout });
  }

  async #told<T>(silence: string, timeout: number, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (this.config.kind === "http" && isLost(error)) this.#client = undefined;
      throw new ServerFailure(withoutSecrets(this.#sentence(error, silence, timeout), this.options.secrets));
    }
  }

  /** In the order in which the facts say most: how the process ended, what the policy refused, what the server said. */
  #sentence(error: unknown, silence: string, timeout: number): string {
    const { end, lastWords = [] } = this.#transport ?? {};
    const words = lastWords.length === 0 ? "" : `: ${lastWords.join(" | ")}`;
    const name = `the MCP server ${JSON.stringify(this.name)}`;
    if (error instanceof ServerFailure) return `${name} ${error.message}${words}`;
    if (isCode(error, ErrorCode.RequestTimeout)) return `${name} ${silence} within ${timeout / 1000} s${words}`;
    if (end !== undefined) return `${name} ${end}${words}`;
    if (isCode(error, ErrorCode.ConnectionClosed)) return `${name} did not answer: ${saidBy(error)}${words}`;
    return `${name} ${whatItDid(error)}`;
  }
}

/** A server by HTTP that was started anew knows nothing of this session: the next call begins another. */
function isLost(error: unknown): boolean {
  return error instanceof StreamableHTTPError || error instanceof TypeError;
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof McpError && error.code === (code as number);
}

function whatItDid(error: unknown): string {
  const policy = policyErrorIn(error);
  if (policy !== undefined) return `cannot be used: ${policy.message}`;
  if (error instanceof McpError) return `refused: ${saidBy(error)}`;
  if (isProtocolError(error)) return `answered with what is not MCP: ${oneLine(messageOf(error))}`;
  return `cannot be reached: ${oneLine(innermost(error))}`;
}

function saidBy(error: unknown): string {
  return oneLine(messageOf(error).replace(/^MCP error -?\d+: /, ""));
}

/** zod's, which says where, and the parser's of JSON. */
function isProtocolError(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && error.name.includes("ZodError"));
}

function innermost(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return messageOf(at);
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line;
}
