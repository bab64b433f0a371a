/** Servers that misbehave: each failure is one clear line, nothing else is lost, and no process is left. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test as plain } from "vitest";
import type { ConnectedServers } from "../../src/mcp/servers.js";
import { connectServers } from "../../src/mcp/servers.js";
import type { StdioServer } from "../../src/mcp/server-config.js";
import { test, TIMEOUT } from "../cli/world.js";
import { until } from "../e2e/cli.js";
import { callOf, DOUBLE, isGone, mayTake } from "./calling.js";

const SECRET = "s3cret-token";

function server(mode: string, file?: string, more: Partial<StdioServer> = {}): StdioServer {
  const args = [DOUBLE, mode, ...(file === undefined ? [] : [file])];
  return {
    kind: "stdio",
    name: mode,
    command: process.execPath,
    args,
    env: {},
    cwd: undefined,
    timeout: undefined,
    ...more,
  };
}

function connect(
  configs: readonly StdioServer[],
  options: { timeout?: number; select?: readonly string[]; signal?: AbortSignal } = {},
): Promise<ConnectedServers> {
  const env = { PATH: process.env["PATH"], HOME: "/home/me", OPENAI_API_KEY: "sk-key", LC_ALL: "C" };
  return connectServers(configs, {
    timeout: 20_000,
    proxies: undefined,
    env,
    secrets: [SECRET],
    version: "1",
    ...options,
  });
}

const pidIn = async (file: string): Promise<number> =>
  until(
    async () => Number(await readFile(file, "utf8").catch(() => "")) || undefined,
    () => `a pid in ${file}`,
  );

describe.concurrent("a server that does not start", TIMEOUT, () => {
  test("is named with its command, or what it said last", async () => {
    const missing = connect([server("good", undefined, { name: "a", command: "no-such-command" })]);
    await expect(missing).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: /"a" could not be started: no command no-such-command/,
    });
    const exits = connect([server("exit")]);
    await expect(exits).rejects.toMatchObject({
      message: expect.stringMatching(/^the MCP server "exit" ended \(exit status 3\): no licence found$/),
    });
  });

  test("may be one whose directory is missing", async ({ workspace }) => {
    const cwd = workspace.path("nowhere");
    await expect(connect([server("good", undefined, { cwd })])).rejects.toMatchObject({
      message: expect.stringContaining(cwd),
    });
  });

  test("leaves the others as they are", async () => {
    const servers = await connect([server("exit"), server("good")]);
    expect(servers.failed).toEqual(["exit"]);
    expect(servers.notes).toEqual([expect.stringContaining("no licence found")]);
    expect(await callOf(servers, "dotted.name")).toBe("dotted");
    await servers.close();
  });

  test("because it says nothing is given up, and ended however stubborn it is", async ({ workspace }) => {
    const file = workspace.path("pid");
    await expect(connect([server("silent", file)], { timeout: 500 })).rejects.toMatchObject({
      message: expect.stringMatching(/"silent" did not say what tools it has within 0.5 s/),
    });
    await isGone(await pidIn(file));
  });

  test("because its list is not MCP is told apart", async () => {
    await expect(connect([server("bad-list")])).rejects.toMatchObject({
      message: expect.stringMatching(/what is not MCP/),
    });
  });

  test("before Ctrl-C is ended by it", async ({ workspace }) => {
    const file = workspace.path("pid");
    const abort = new AbortController();
    const started = connect([server("silent", file)], { signal: abort.signal });
    const pid = await pidIn(file);
    abort.abort(new Error("stopped"));
    await expect(started).rejects.toThrow("stopped");
    await isGone(pid);
  });
});

describe.concurrent("what a server offers", TIMEOUT, () => {
  test("twice is used once, too much is left out, and both are said", async () => {
    const servers = await connect([server("twice")]);
    expect(servers.notes).toEqual([
      expect.stringMatching(/two tools with the name "twice\/pid"/),
      expect.stringMatching(/"twice\/heavy" is left out/),
    ]);
    const names = servers.tools.map(({ name }) => name);
    expect([new Set(names).size, names.filter((name) => name === "twice__pid")]).toEqual([
      names.length,
      ["twice__pid"],
    ]);
    await servers.close();
  });

  test("under one name with another server stays apart", async () => {
    const servers = await connect(
      [server("good", undefined, { name: "a" }), server("good", undefined, { name: "b" })],
      { select: ["*/pid"] },
    );
    expect(servers.tools.map(({ name }) => name)).toEqual(["a__pid", "b__pid"]);
    expect(await callOf(servers, "a/pid")).not.toBe(await callOf(servers, "b/pid"));
    await servers.close();
  });

  test("in numbers that no model takes is refused, and a selection helps", async () => {
    await expect(connect([server("many")])).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("--tool"),
    });
    const servers = await connect([server("many")], { select: ["many/t1*"] });
    expect(servers.tools).toHaveLength(40);
    await servers.close();
  });

  test("is asked for by a name that it does not have: refused, with what there is", async () => {
    await expect(connect([server("good")], { select: ["good/nothing"] })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("a call", TIMEOUT, () => {
  let servers: ConnectedServers;
  beforeAll(async () => {
    servers = await connect([server("good")]);
  }, 30_000);
  afterAll(() => servers.close());

  plain("gets of our environment what is no key", async () => {
    const env = JSON.parse(await callOf(servers, "env")) as Record<string, string>;
    expect(env).toMatchObject({ HOME: "/home/me", LC_ALL: "C" });
    expect(env["OPENAI_API_KEY"]).toBeUndefined();
  });

  plain("gives arguments under the names that the server knows, though the model is told others", async () => {
    const tool = servers.tools.find(({ tool: name }) => name === "given");
    const names = Object.keys((tool?.input["properties"] ?? {}) as object);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    const [key = "", nested = ""] = names;
    expect(JSON.parse(await callOf(servers, "given", { [key]: "a", [nested]: { e: 1 } }))).toEqual({
      "my key": "a",
      nested: { e: 1 },
    });
  });

  plain("has pictures and files as notes", async () => {
    expect((await callOf(servers, "media")).split("\n")).toEqual([
      "see:",
      "[image: image/png, 6 bytes; not shown]",
      "[resource: file:///a]",
      "inside",
      "[resource: file:///b, application/pdf, 6 bytes; not shown]",
      "[resource: c, file:///c]",
    ]);
    expect(await callOf(servers, "structured")).toBe('{"a":1}');
  });

  plain("that fails says what the tool said", async () => {
    await expect(callOf(servers, "fail")).rejects.toThrow(/^no such thing$/);
  });

  plain("that is answered with nonsense is told so", async () => {
    await expect(callOf(servers, "nonsense")).rejects.toThrow(/"good" answered with what is not MCP/);
  });

  plain("whose result is 50 MB is cut, and says so", async () => {
    const text = await callOf(servers, "big", { megabytes: 50 });
    expect(text).toMatch(/é\n\[cut: the first 131072 of 26214400 characters\]$/);
  });

  plain("goes on while its server floods stderr", async () => {
    expect(await callOf(servers, "flood")).toBe("done");
  });

  plain("that is stopped leaves the server as it is", async () => {
    const before = await callOf(servers, "pid");
    const abort = new AbortController();
    const hanging = callOf(servers, "hang", {}, abort.signal);
    setTimeout(() => abort.abort(), 50);
    await expect(mayTake(5000, hanging)).rejects.toThrow();
    expect(await callOf(servers, "pid")).toBe(before);
  });
});

describe.concurrent("a server", TIMEOUT, () => {
  test("that dies in a call is named with its last words, never asked again for that call, and started for the next", async ({
    workspace,
  }) => {
    const file = workspace.path("count");
    const servers = await connect([server("good", file)]);
    await expect(callOf(servers, "die")).rejects.toThrow(
      /^the MCP server "good" ended \(exit status 7\): first line \| out of luck, with \[redacted\]$/,
    );
    expect(await callOf(servers, "count")).toBe("counted");
    expect(await readFile(file, "utf8")).toBe("xx");
    await servers.close();
  });

  test("that hangs in a call is told with the limit, and can be asked again", async () => {
    const servers = await connect([server("good", undefined, { timeout: 1500 })]);
    await expect(callOf(servers, "hang")).rejects.toThrow(/"good" did not answer the call of hang within 1.5 s/);
    expect(await callOf(servers, "dotted.name")).toBe("dotted");
    await servers.close();
  });

  test("that sends without end is ended", async () => {
    const servers = await connect([server("good")]);
    await expect(callOf(servers, "endless")).rejects.toThrow(/more than 64 MiB/);
    await servers.close();
  });

  test("that greets on stdout is understood all the same", async () => {
    const servers = await connect([server("greets")]);
    expect(await callOf(servers, "dotted.name")).toBe("dotted");
    await servers.close();
  });

  test("that does not want to end is ended, with what it started", async () => {
    const servers = await connect([server("stubborn")]);
    const pids = [await callOf(servers, "pid"), await callOf(servers, "child")].map(Number);
    await mayTake(10_000, servers.close());
    for (const pid of pids) await isGone(pid);
    await expect(callOf(servers, "pid")).rejects.toThrow(/was closed/);
  });

  test("that ends by itself takes what it started with it", async ({ workspace }) => {
    const servers = await connect([server("good", workspace.path("count"))]);
    const child = Number(await callOf(servers, "child"));
    await expect(callOf(servers, "die")).rejects.toThrow(/ended/);
    await isGone(child);
    await servers.close();
  });
});
