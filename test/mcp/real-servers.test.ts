/** Servers as their makers published them, over stdio and streamable HTTP. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseServers } from "../../src/mcp/server-config.js";
import { connectServers, type ConnectedServers } from "../../src/mcp/servers.js";
import { until } from "../e2e/cli.js";
import { callOf } from "./calling.js";

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function startHttp(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [pathOf("everything"), "streamableHttp"], {
    env: { PATH: process.env["PATH"], PORT: String(port) },
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}/mcp`;
  await until(
    () =>
      fetch(url, { method: "DELETE" }).then(
        () => true as const,
        () => undefined,
      ),
    () => `an answer of ${url}`,
  );
  return { child, url };
}

describe("the servers of the registry", () => {
  let directory: string;
  let http: Awaited<ReturnType<typeof startHttp>>;
  let servers: ConnectedServers;

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "draftstate-mcp-")));
    await writeFile(join(directory, "hello.txt"), "Hello from a file");
    http = await startHttp();
    const { servers: configs, secrets } = parseServers(
      {
        mcpServers: {
          files: { command: process.execPath, args: [pathOf("filesystem"), directory] },
          every: { command: process.execPath, args: [pathOf("everything")] },
          web: { type: "http", url: http.url },
        },
      },
      { origin: "mcp.json", env: {} },
    );
    const env = { PATH: process.env["PATH"] };
    servers = await connectServers(configs, { timeout: 20_000, proxies: undefined, env, secrets, version: "1" });
  }, 60_000);
  afterAll(async () => {
    await servers.close();
    http.child.kill();
    await rm(directory, { recursive: true });
  });

  test("all start, and each tool has a name that providers take", () => {
    expect([servers.failed, servers.notes]).toEqual([[], []]);
    const counts = ["files", "every", "web"].map(
      (name) => servers.tools.filter(({ server }) => server === name).length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(8);
    for (const { name } of servers.tools) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  test("read and write files", async () => {
    const path = join(directory, "new.txt");
    expect(await callOf(servers, "files/read_text_file", { path: join(directory, "hello.txt") })).toContain(
      "Hello from a file",
    );
    await callOf(servers, "files/write_file", { path, content: "written" });
    expect(await readFile(path, "utf8")).toBe("written");
    await expect(callOf(servers, "files/read_text_file", { path: "/etc/passwd" })).rejects.toThrow(/denied/i);
  });

  test.for(["every", "web"])("%s: echo, sum, a picture, resources, wrong arguments", async (server) => {
    expect(await callOf(servers, `${server}/echo`, { message: "hi" })).toBe("Echo: hi");
    expect(await callOf(servers, `${server}/get-sum`, { a: 2, b: 3 })).toContain("5");
    expect(await callOf(servers, `${server}/get-tiny-image`)).toMatch(
      /\[image: image\/png, \d+ (bytes|KiB); not shown\]/,
    );
    expect(await callOf(servers, `${server}/get-resource-links`, { count: 1 })).toContain("[resource: ");
    expect(await callOf(servers, `${server}/get-structured-content`, { location: "New York" })).toContain(
      "temperature",
    );
    await expect(callOf(servers, `${server}/get-sum`, { a: "two" })).rejects.toThrow(/schema/);
  });

  test.for(["every", "web"])("%s: a long call is stopped, and the server answers on", async (server) => {
    const abort = new AbortController();
    const long = callOf(servers, `${server}/trigger-long-running-operation`, { duration: 20, steps: 2 }, abort.signal);
    setTimeout(() => abort.abort(), 100);
    await expect(long).rejects.toThrow();
    expect(await callOf(servers, `${server}/echo`, { message: "still here" })).toBe("Echo: still here");
  });
});
