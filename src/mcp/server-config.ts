/**
 * The usual `mcpServers` JSON → servers that can be connected to: each entry checked, variables put in. Pure. Values that may be
 * secrets are collected, so that nothing prints them.
 */
import { DraftstateError } from "../errors.js";
import { isJsonObject } from "../model/json.js";
import { Variables } from "./variables.js";

interface Common {
  readonly name: string;
  /** Milliseconds that a call may take, in place of the setting. */
  readonly timeout: number | undefined;
}

export interface StdioServer extends Common {
  readonly kind: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: the current directory. */
  readonly cwd: string | undefined;
}

export interface HttpServer extends Common {
  readonly kind: "http";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type ServerConfig = StdioServer | HttpServer;

export interface ParsedServers {
  readonly servers: readonly ServerConfig[];
  /** Values of variables, of `env` and of `headers`. */
  readonly secrets: readonly string[];
}

export interface ConfigSource {
  /** For messages: the file, or the setting. */
  readonly origin: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$/;
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HTTP_TYPES = ["http", "streamable-http", "streamable_http", "streamableHttp"];
/** Shorter values are no secrets, and to hide each `1` would hide the message. */
const SHORTEST_SECRET = 6;

/** `{ "mcpServers": { … } }`, or the servers alone. Throws `INVALID_CONFIG`, naming the server. */
export function parseServers(value: unknown, source: ConfigSource): ParsedServers {
  const servers = isJsonObject(value) && "mcpServers" in value ? value["mcpServers"] : value;
  if (!isJsonObject(servers))
    throw refuse(source.origin, 'expected {"mcpServers": {"<name>": {"command": …} or {"url": …}}}');
  const readers = Object.entries(servers).map(([name, entry]) => new EntryReader(name, entry, source));
  const active = readers.filter((reader) => !reader.isDisabled);
  const parsed = active.map((reader) => reader.read());
  return { servers: parsed, secrets: secretsOf(parsed, active) };
}

function secretsOf(servers: readonly ServerConfig[], readers: readonly EntryReader[]): string[] {
  const given = servers.flatMap((server) => Object.values(server.kind === "http" ? server.headers : server.env));
  const all = [...given, ...readers.flatMap((reader) => reader.expanded)];
  // `Bearer abc` hides abc too.
  const parts = all.flatMap((value) => [value, ...value.split(/\s+/)]);
  return [...new Set(parts)].filter((value) => value.length >= SHORTEST_SECRET);
}

function refuse(origin: string, what: string, path = "mcp"): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `${origin}: ${what}`, { path });
}

class EntryReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #variables: Variables;

  constructor(
    private readonly name: string,
    entry: unknown,
    private readonly source: ConfigSource,
  ) {
    if (!NAME.test(name))
      throw this.#wrong("its name may hold letters, digits, spaces and . _ - alone, and 64 of them at most");
    if (!isJsonObject(entry)) throw this.#wrong("it is not an object");
    this.#fields = entry;
    this.#variables = new Variables(source.env, (what) => this.#wrong(what));
  }

  get isDisabled(): boolean {
    return this.#fields["disabled"] === true || this.#fields["enabled"] === false;
  }

  get expanded(): readonly string[] {
    return this.#variables.used;
  }

  read(): ServerConfig {
    const { command, url } = this.#fields;
    if (command !== undefined && url !== undefined) throw this.#wrong("it has both a command and a url: give one");
    const type = this.#fields["type"] ?? this.#fields["transport"];
    if (url !== undefined || (typeof type === "string" && HTTP_TYPES.includes(type))) return this.#http(type);
    if (type !== undefined && type !== "stdio")
      throw this.#wrong(`its type is ${JSON.stringify(type)}: stdio and http (streamable HTTP) are supported`);
    return this.#stdio();
  }

  #stdio(): StdioServer {
    const { args = [], cwd } = this.#fields;
    if (!Array.isArray(args)) throw this.#wrong("args is not a list of texts");
    return {
      kind: "stdio",
      name: this.name,
      timeout: this.#timeout(),
      command: this.#text("command", this.#fields["command"]),
      args: args.map((value, index) => this.#text(`args[${index}]`, value, { mayBeEmpty: true })),
      env: this.#texts("env"),
      cwd: cwd === undefined ? undefined : this.#text("cwd", cwd),
    };
  }

  #http(type: unknown): HttpServer {
    if (type !== undefined && (typeof type !== "string" || !HTTP_TYPES.includes(type)))
      throw this.#wrong(`its type is ${JSON.stringify(type)}: a url needs http (streamable HTTP)`);
    const url = this.#text("url", this.#fields["url"]);
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
      throw this.#wrong("url does not begin with http:// or https://");
    const { username, password } = new URL(url);
    if (username !== "" || password !== "")
      throw this.#wrong(
        'url holds a user name or password: give it in headers, as "Authorization": "Basic ${env:NAME}"',
      );
    const headers = this.#texts("headers");
    const bad = Object.entries(headers).find(
      ([key, text]) => !HEADER.test(key) || /[^\t\x20-\x7e\x80-\xff]/.test(text),
    );
    if (bad !== undefined) throw this.#wrong(`the header ${JSON.stringify(bad[0])} cannot be sent`);
    return { kind: "http", name: this.name, timeout: this.#timeout(), url, headers };
  }

  #timeout(): number | undefined {
    const { timeout } = this.#fields;
    if (timeout === undefined) return undefined;
    if (typeof timeout === "number" && Number.isInteger(timeout) && timeout >= 1 && timeout <= 86_400_000)
      return timeout;
    throw this.#wrong("timeout is not a number of milliseconds from 1 to 86400000");
  }

  #texts(field: "env" | "headers"): Record<string, string> {
    const value = this.#fields[field] ?? {};
    if (!isJsonObject(value)) throw this.#wrong(`${field} is not an object of texts`);
    return Object.fromEntries(
      Object.entries(value).map(([key, text]) => {
        if (key === "" || key.includes("=") || key.includes("\0"))
          throw this.#wrong(`${field} has a name that is not valid`);
        return [key, this.#text(`${field}.${key}`, text, { mayBeEmpty: true, bare: true })];
      }),
    );
  }

  #text(field: string, value: unknown, { mayBeEmpty = false, bare = false } = {}): string {
    if (typeof value !== "string" || value.includes("\0") || (value === "" && !mayBeEmpty))
      throw this.#wrong(`${field} is not a text`);
    return this.#variables.putInto(value, { field, bare });
  }

  #wrong(what: string): DraftstateError {
    return refuse(this.source.origin, `server ${JSON.stringify(this.name.slice(0, 64))}: ${what}`, `mcp.${this.name}`);
  }
}
