/** Servers by HTTP that fail or mislead: one line each, and no header leaves its origin. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectServers, type ConnectedServers } from "../../src/mcp/servers.js";
import { deadUrl } from "../e2e/servers.js";
import { callOf, mayTake } from "./calling.js";

const SECRET = "s3cret-token";

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params: { readonly protocolVersion?: string; readonly name?: string };
}

const tools = ["echo", "endless", "leave", "half", "quiet"].map((name) => ({ name, inputSchema: { type: "object" } }));

class Double {
  readonly #server: Server;
  readonly seen: IncomingMessage[] = [];
  /** Only requests of this one are answered. */
  session = "first";

  constructor(private readonly elsewhere?: Double) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(request);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const path = request.url ?? "";
    const moved = (location: string): unknown => response.writeHead(307, { location }).end();
    const { "mcp-session-id": session = this.session } = request.headers;
    if (path === "/silent") return;
    if (session !== this.session) response.writeHead(404).end("no such session");
    else if (path === "/moved") moved("/mcp");
    else if (path === "/away") moved(this.elsewhere?.url("/mcp") ?? "");
    else if (path === "/refused") response.writeHead(401).end(`no entry with ${request.headers.authorization}`);
    else if (path === "/page") response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
    else if (request.method !== "POST") response.writeHead(405).end();
    else this.#call(JSON.parse(Buffer.concat(pieces).toString()) as Request, response);
  }

  #call({ id, method, params }: Request, response: ServerResponse): void {
    if (id === undefined) {
      response.writeHead(202).end();
      return;
    }
    const say = (result: object): void => {
      response.writeHead(200, { "content-type": "application/json", "mcp-session-id": this.session });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    };
    if (method === "initialize")
      say({
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "d", version: "1" },
      });
    else if (method === "tools/list") say({ tools });
    else if (params.name === "echo") say({ content: [{ type: "text", text: "here" }] });
    else if (params.name === "leave") response.destroy();
    else if (params.name === "endless") this.#flood(response);
    else {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": nothing yet\n\n", () => (params.name === "half" ? response.destroy() : response.end()));
    }
  }

  #flood(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const piece = "x".repeat(2 ** 20);
    const more = (): void => {
      if (!response.destroyed) response.write(piece, more);
    };
    more();
  }
}

let elsewhere: Double;
let double: Double;
beforeAll(async () => {
  elsewhere = await new Double().start();
  double = await new Double(elsewhere).start();
});
afterAll(() => {
  double.stop();
  elsewhere.stop();
});

function connect(url: string, timeout = 20_000): Promise<ConnectedServers> {
  const headers = { Authorization: `Bearer ${SECRET}` };
  return connectServers([{ kind: "http", name: "web", url, headers, timeout: undefined }], {
    timeout,
    proxies: undefined,
    env: {},
    secrets: [SECRET],
    version: "1",
  });
}

const whyNot = async (url: string, timeout?: number): Promise<string> =>
  connect(url, timeout).then(
    () => "it was taken",
    (error: unknown) => String(error),
  );

describe("a server by HTTP", () => {
  test("is sent its headers, within its origin also after a redirect, and no stream is opened", async () => {
    const servers = await connect(double.url("/moved"));
    expect(await callOf(servers, "echo")).toBe("here");
    expect(double.seen.map(({ method }) => method)).not.toContain("GET");
    expect(double.seen.every(({ headers }) => headers.authorization === `Bearer ${SECRET}`)).toBe(true);
    await servers.close();
  });

  test("that redirects to another origin is refused, and that origin sees nothing", async () => {
    expect(await whyNot(double.url("/away"))).toMatch(/redirects to http:\/\/127\.0\.0\.1:\d+ \(307\).*its url/);
    expect(elsewhere.seen).toEqual([]);
  });

  test("that refuses is quoted, without the secret that it was sent", async () => {
    const why = await whyNot(double.url("/refused"));
    expect(why).toMatch(/^(?!.*s3cret).*"web" .*no entry with Bearer \[redacted\]/);
  });

  test("that says nothing is given up after the limit", async () => {
    expect(await whyNot(double.url("/silent"), 300)).toMatch(/"web" did not say what tools it has within 0.3 s/);
  });

  test("that is a page, or nobody, is told so", async () => {
    expect(await whyNot(double.url("/page"))).toMatch(/"web" .*text\/html/);
    expect(await whyNot(await deadUrl())).toMatch(/"web" cannot be reached.*ECONNREFUSED/);
  });

  test("whose answer has no end, never comes, or breaks off, or that was started anew, fails the call alone", async () => {
    const servers = await connect(double.url("/mcp"));
    await expect(callOf(servers, "endless")).rejects.toThrow(/"web" .*more than 64 MiB/);
    for (const tool of ["half", "quiet"])
      await expect(callOf(servers, tool)).rejects.toThrow(/"web" did not answer: the answer broke off/);
    await expect(callOf(servers, "leave")).rejects.toThrow(/"web" cannot be reached/);
    expect(await callOf(servers, "echo")).toBe("here");
    double.session = "second";
    await expect(callOf(servers, "echo")).rejects.toThrow(/no such session/);
    expect(await callOf(servers, "echo")).toBe("here");
    await mayTake(3000, servers.close());
  });
});
