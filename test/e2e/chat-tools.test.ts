/** A chat with the tools of MCP servers, whatever ends it; `tools`; and where servers may be configured. */
import { readFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { test as inProcess } from "../cli/world.js";
import { DOUBLE, isGone } from "../mcp/calling.js";
import { errorOf, until, type Workspace } from "./cli.js";
import { byHand, calling, saying } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

interface Entry {
  readonly mode?: string;
  readonly file?: string;
  readonly env?: object;
}

async function configure(workspace: Workspace, servers: Readonly<Record<string, Entry>>): Promise<void> {
  const entries = Object.entries(servers).map(([name, { mode = "good", file, env = {} }]) => [
    name,
    { command: process.execPath, args: [DOUBLE, mode, ...(file === undefined ? [] : [file])], env },
  ]);
  await workspace.write("mcp.json", JSON.stringify({ mcpServers: Object.fromEntries(entries) as object }));
}

const pidIn = (file: string): Promise<number> =>
  until(
    async () => Number(await readFile(file, "utf8").catch(() => "")) || undefined,
    () => `a pid in ${file}`,
  );

describe("a chat with tools", TIMEOUT, () => {
  inProcess("gives the model what the tool said, and keeps both", async ({ workspace, serve }) => {
    await configure(workspace, { d: {} });
    const server = await serve(calling("d__given", { "my key": "x" }), saying("Done."));
    const { status, stdout } = await workspace.run([
      ...["chat", "Hi", "--id", "tale", "--base-url", server.url, "--mcp", "mcp.json", "--yes-tools"],
    ]);
    expect([status, stdout]).toEqual([0, "Done.\n"]);
    expect(server.lastMessages.at(-1)).toMatchObject({ role: "tool", content: '{"my key":"x"}' });
    expect((await workspace.show("tale")).messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
    ]);
  });

  inProcess(
    "in which a server dies goes on: the model is told, and the secret stays out",
    async ({ workspace, serve }) => {
      await configure(workspace, { d: { file: workspace.path("count"), env: { KEY: "s3cret-token" } } });
      const server = await serve(calling("d__die", {}), saying("I see."));
      const { status, stdout, stderr } = await workspace.run([
        ...["chat", "Hi", "--id", "tale", "--base-url", server.url, "--mcp", "mcp.json", "--allow-tool", "d/die"],
      ]);
      expect([status, stdout]).toEqual([0, "I see.\n"]);
      const told = JSON.stringify(server.lastMessages);
      expect(told).toMatch(/the MCP server \\"d\\" ended \(exit status 7\): first line \| out of luck/);
      expect(`${told}${stderr}${JSON.stringify(await workspace.show("tale"))}`).not.toContain("s3cret");
    },
  );

  inProcess("runs nothing in a pipe that was not allowed, and names the flag", async ({ workspace, serve }) => {
    await configure(workspace, { d: { file: workspace.path("count") } });
    const { url } = await serve(calling("d__count", {}));
    const flags = ["--base-url", url, "--mcp", "mcp.json", "--allow-tool", "d/pid", "--allow-tool", "x/*"];
    const { status, stderr } = await workspace.run(["chat", "Hi", ...flags]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("allow it with --allow-tool d/count")]);
    expect(stderr).toMatch(/matches none of the tools \(d\/\w+, /);
    expect(stderr.match(/--allow-tool \S+ matches none of the tools/g)).toEqual([
      "--allow-tool x/* matches none of the tools",
    ]);
    await expect(workspace.read("count")).rejects.toThrow();
  });

  inProcess("without servers, or with wrong ones, says so before anything is made", async ({ workspace }) => {
    const chat = async (...flags: readonly string[]): Promise<[number | null, string]> => {
      const { status, stderr } = await workspace.run(["chat", "Hi", ...flags]);
      return [status, stderr];
    };
    await configure(workspace, { d: { mode: "exit" } });
    await workspace.write("bad.json", "{");
    expect(await chat("--yes-tools")).toEqual([2, expect.stringContaining("--mcp")]);
    expect(await chat("--mcp", "none.json")).toEqual([2, expect.stringContaining("none.json does not exist")]);
    expect(await chat("--mcp", "bad.json")).toEqual([2, expect.stringContaining("not valid JSON")]);
    expect(await chat("--mcp", "mcp.json", "--yes-tools")).toEqual([2, expect.stringContaining("no licence found")]);
    expect(await workspace.ls()).toEqual([]);
  });

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGINT twice", 130],
  ] as const) {
    test(`that ${signal} ends in a call keeps the turn, and ends the most stubborn server`, async ({
      workspace,
      serve,
    }) => {
      await configure(workspace, { d: { mode: "stubborn", file: workspace.path("pid") } });
      const server = await serve(calling("d__hang", {}));
      const chat = workspace.start([
        ...["chat", "Hi", "--id", "tale", "--base-url", server.url, "--mcp", "mcp.json", "--yes-tools"],
      ]);
      const pid = await pidIn(workspace.path("pid"));
      await until(
        () => (server.requests.length > 0 ? true : undefined),
        () => `a request; ${chat.stderr}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      const [name, twice] = signal.split(" ") as [NodeJS.Signals, string?];
      if (twice !== undefined) chat.child.kill(name);
      const ended = await chat.end(name);
      await isGone(pid);
      expect([ended.status, (await workspace.show("tale")).messages[0]?.content]).toEqual([status, "Hi"]);
    });
  }

  test("that a signal ends at the prompt of a terminal leaves no server", async ({ workspace }) => {
    await configure(workspace, { d: { mode: "stubborn", file: workspace.path("pid") } });
    const args = ["chat", "--base-url", "http://127.0.0.1:1/v1", "--mcp", "mcp.json", "--yes-tools"];
    const terminal = TerminalSession.start(workspace, args);
    const pid = await pidIn(workspace.path("pid"));
    await terminal.shows("/exit to leave\n>");
    terminal.signal("SIGTERM");
    await terminal.ended;
    await isGone(pid);
  });

  test("that a signal ends while it waits for another writer leaves no server", async ({ workspace, serve }) => {
    await configure(workspace, { d: { mode: "stubborn", file: workspace.path("pid") } });
    const { url } = await serve(byHand().script);
    const flags = ["--base-url", url, "--id", "tale"];
    const writer = workspace.start(["chat", "Hi", ...flags, "--json"]);
    await writer.printed("start", 1);
    const waiting = workspace.start(
      ["chat", "Hi", "--mcp", "mcp.json", "--yes-tools", "--base-url", url, "--resume", "tale"],
      {
        env: { DRAFTSTATE_LOCK_TIMEOUT: "60000" },
      },
    );
    const pid = await pidIn(workspace.path("pid"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await waiting.end("SIGTERM")).status).toBe(143);
    await isGone(pid);
  });

  test("that a signal ends while a server starts leaves none", async ({ workspace }) => {
    await configure(workspace, { d: { mode: "silent", file: workspace.path("pid") } });
    const chat = workspace.start(["chat", "Hi", "--mcp", "mcp.json", "--yes-tools"]);
    const pid = await pidIn(workspace.path("pid"));
    expect((await chat.end("SIGTERM")).status).toBe(143);
    await isGone(pid);
  });
});

describe("tools", TIMEOUT, () => {
  inProcess("lists what servers offer, and says which failed", async ({ workspace }) => {
    await configure(workspace, { d: {}, e: { mode: "exit" } });
    const { status, stdout, stderr } = await workspace.run(["tools", "--mcp", "mcp.json"]);
    expect(status).toBe(2);
    expect(stdout).toContain("d/given(my_key_");
    expect(stderr).toMatch(/warning: the MCP server "e" ended \(exit status 3\): no licence found/);
    const listed = JSON.parse((await workspace.run(["tools", "d/p*", "--mcp", "mcp.json", "--json"])).stdout) as object;
    expect(listed).toMatchObject({ tools: [{ server: "d", tool: "pid", name: "d__pid" }], failed: [] });
  });

  inProcess("needs a server to be configured", async ({ workspace }) => {
    const result = await workspace.run(["tools", "--json"]);
    expect([result.status, errorOf(result).code]).toEqual([2, "USAGE"]);
  });
});

describe("servers in settings", TIMEOUT, () => {
  const found = "draftstate.config.json";
  const servers = { d: { command: process.execPath, args: [DOUBLE] } };

  inProcess("that were only found are not started until they are trusted", async ({ workspace }) => {
    await workspace.write(found, JSON.stringify({ mcp: { d: { command: "touch", args: [workspace.path("ran")] } } }));
    const { status, stderr } = await workspace.run(["tools"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/ignored mcp in .*draftstate trust/)]);
    await expect(workspace.read("ran")).rejects.toThrow();
    await workspace.write(found, JSON.stringify({ mcp: servers }));
    expect(await workspace.json(["trust"])).toMatchObject({
      settings: [{ name: "mcp", value: [`d: ${process.execPath} ${DOUBLE}`] }],
    });
    expect(await workspace.json(["tools", "d/pid"])).toMatchObject({ tools: [{ name: "d__pid" }] });
  });

  inProcess("are shown whole before they are trusted, but for what may be a key", async ({ workspace }) => {
    const files = { command: "sh", args: ["-c", "rm -rf ~"], cwd: "/data", env: { TOKEN: "k3y" } };
    const web = { url: "https://me:k3y@h.example/mcp", headers: { Authorization: "Bearer k3y" } };
    await workspace.write(found, JSON.stringify({ mcp: { mcpServers: { files, web } } }));
    const { stderr } = await workspace.run(["trust"]);
    expect(stderr.split("\n").slice(1, 3)).toEqual([
      "  mcp: files: sh -c 'rm -rf ~' (in /data, TOKEN=***)",
      expect.stringMatching(/^ {2}mcp: web: https:\/\/.*h\.example\/mcp \(Authorization: \*\*\*\)$/),
    ]);
    expect(stderr).not.toContain("k3y");
  });

  inProcess(
    "are left out, with a warning, by a model without tools; asked for by a flag they are refused",
    async ({ workspace }) => {
      await workspace.write(found, JSON.stringify({ mcp: servers }));
      await workspace.run(["trust"]);
      const { status, stderr } = await workspace.run(["chat", "Hi", "--model", "offline"]);
      expect([status, stderr.match(/^warning: .*$/gm)]).toEqual([
        0,
        ["warning: offline cannot use tools: the chat goes on without those of the setting mcp"],
      ]);
      await configure(workspace, { d: {} });
      for (const flags of [
        ["--mcp", "mcp.json"],
        ["--tool", "d"],
      ]) {
        const refused = await workspace.run(["chat", "Hi", "--model", "offline", ...flags]);
        expect([refused.status, refused.stderr]).toEqual([
          2,
          expect.stringContaining(
            "offline cannot use tools: name another model with --model, or leave out --mcp and --tool",
          ),
        ]);
      }
    },
  );

  inProcess("in another file than the trusted one are not started either", async ({ workspace }) => {
    await configure(workspace, { d: {} });
    await workspace.write(found, JSON.stringify({ mcp: "mcp.json" }));
    await workspace.json(["trust"]);
    const { status, stderr } = await workspace.run(["tools"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/ignored mcp in .*which trust does not cover/)]);
    expect(await workspace.json(["tools", "d/pid", "--config", found])).toMatchObject({ failed: [] });
  });

  inProcess("of the user's own may be in another file; config shows no key of theirs", async ({ workspace }) => {
    await configure(workspace, { d: {} });
    await workspace.write(".config/draftstate/config.json", JSON.stringify({ mcp: workspace.path("mcp.json") }));
    expect(await workspace.json(["tools", "d/pid"])).toMatchObject({ failed: [] });
    const web = { url: "https://h.example/k3y?k=k3y", headers: { A: "k3y" }, env: { A: "k3y" } };
    await workspace.write("mine.json", JSON.stringify({ mcp: { ...servers, web } }));
    const { stdout } = await workspace.run(["config", "--config", "mine.json", "--json"]);
    expect([stdout.includes("https://h.example/***"), stdout.includes("k3y")]).toEqual([true, false]);
  });
});
