/** The command as a citizen of the shell: what it loads, and readers that leave early. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { until } from "./cli.js";
import { byHand, saying } from "./servers.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));

/** Says on stderr at its end what it has loaded. */
const TRACE = [
  "--import",
  `data:text/javascript,${encodeURIComponent(`
import { writeSync } from "node:fs";
import module from "node:module";
process.on("exit", () => writeSync(2, Object.keys(module._cache).map((file) => "loaded " + file + "\\n").join("")));`)}`,
];

function loadedIn(stderr: string): string[] {
  return stderr.split("\n").flatMap((line) => /^loaded (.+)$/.exec(line)?.[1] ?? []);
}

/** The files in the loaded chunks, as their source maps list them. */
async function sourcesIn(stderr: string): Promise<string[]> {
  const maps = loadedIn(stderr).map((chunk) => readFile(`${chunk}.map`, "utf8").catch(() => '{"sources":[]}'));
  return (await Promise.all(maps)).flatMap(
    (map) => (JSON.parse(map) as { readonly sources: readonly string[] }).sources,
  );
}

async function packagesIn(stderr: string): Promise<string[]> {
  const packages = (await sourcesIn(stderr)).map(
    (source) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? "draftstate",
  );
  return [...new Set(packages)];
}

/** What every command may cost at its start; anything else is imported where it is used. */
const EVERY_COMMAND = ["commander", "diff", "draftstate", "get-east-asian-width", "immer"];

describe.concurrent("the command", TIMEOUT, () => {
  test("loads nothing at all to say its version", async ({ workspace }) => {
    const { stdout, stderr } = await workspace.run(["--version"], { node: TRACE });
    expect([stdout, loadedIn(stderr).filter((file) => file.includes("/dist/"))]).toEqual([
      expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      [],
    ]);
  });

  for (const args of [["ls"], ["--help"], ["verify"]]) {
    test(`loads nothing of LangChain, and little else, for ${args.join(" ")}`, async ({ workspace }) => {
      const { stderr } = await workspace.run(args, { node: TRACE });
      const packages = await packagesIn(stderr);
      expect([packages.includes("commander"), packages.filter((name) => !EVERY_COMMAND.includes(name))]).toEqual([
        true,
        [],
      ]);
    });
  }

  test("loads LangChain for chat, but nothing of OpenAI's for the offline model", async ({ workspace }) => {
    const { stderr } = await workspace.run(["chat", "Hi"], { node: TRACE });
    const packages = await packagesIn(stderr);
    expect(packages).toContain("@langchain/langgraph");
    expect(packages.filter((name) => name.includes("openai"))).toEqual([]);
  });

  test("loads nothing of MCP, nor zod, for a chat without tools", async ({ workspace, serve }) => {
    const { url } = await serve(saying("Hello."));
    const { stderr } = await workspace.run(["chat", "Hi", "--base-url", url], { node: TRACE });
    const sources = await sourcesIn(stderr);
    const brings = /src\/mcp\/|modelcontextprotocol|mcp-adapters|node_modules\/(zod|@cfworker)\//;
    expect([sources.length > 100, sources.filter((source) => brings.test(source))]).toEqual([true, []]);
  });

  test("loads nothing that draws or asks for one answer into a pipe", async ({ workspace }) => {
    const sources = await sourcesIn((await workspace.run(["chat", "Hi"], { node: TRACE })).stderr);
    const isChat = (source: string): boolean => source.includes("src/cli/chat/");
    const draws =
      /markdown-it|cli\/terminal\/markdown|answer-(view|layout)|chat\/(session|picker|prompt-loop|recap|slash\/.*)\.ts$/;
    expect([sources.some(isChat), sources.filter((source) => draws.test(source))]).toEqual([true, []]);
  });

  test.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "saves the answer, hears %s and ends by it, also while the reader of its pipe waits",
    async ([signal, status], { workspace, serve }) => {
      const hand = byHand();
      const { url } = await serve(hand.script);
      // Nobody reads: more than a pipe holds, and then some.
      const chat = spawn(process.execPath, [PROGRAM, "chat", "Hi", "--id", "tale", "--base-url", url], {
        cwd: workspace.directory,
        env: workspace.environment(),
        stdio: ["ignore", "pipe", "ignore"],
      });
      const answer = await hand.answer;
      answer.text("x".repeat(400_000));
      answer.text("the end");
      await until(
        async () => ((await workspace.run(["show", "tale", "--json"])).stdout.includes("xthe end") ? true : undefined),
        () => "what came later is not saved",
      );
      const ended = once(chat, "exit");
      chat.kill(signal);
      expect([await ended, (await workspace.row("tale"))?.status]).toEqual([[status, null], "interrupted"]);
    },
  );

  test("shows no more after Ctrl-C, however fast the model is, and says that the answer is interrupted", async ({
    workspace,
  }) => {
    const chat = workspace.start(["chat", "Hi", "--id", "tale", "--model", "offline"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" },
    });
    await chat.shows("O");
    const { status, stdout, stderr } = await chat.end("SIGINT");
    const row = await workspace.row("tale");
    // Where the answer was through before the signal came, it is whole.
    if (row?.status === "complete")
      expect(stdout.trim()).toBe(String((await workspace.show("tale")).messages[1]?.content).trim());
    else expect([status, row?.status, stderr]).toEqual([130, "interrupted", expect.stringContaining("(interrupted)")]);
  });

  test("asks what its arguments say where stdin can only be written", async ({ workspace }) => {
    const child = spawn(
      "bash",
      [
        "--norc",
        "--noprofile",
        "-c",
        '"$0" "$1" chat Hi --id tale --model offline 0> written',
        process.execPath,
        PROGRAM,
      ],
      {
        cwd: workspace.directory,
        env: workspace.environment({ DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" }),
        stdio: "ignore",
      },
    );
    expect(await once(child, "close")).toEqual([0, null]);
    expect((await workspace.show("tale")).messages[0]).toMatchObject({ content: "Hi" });
  });

  test("writes a file whole, and says where it cannot", async ({ workspace }) => {
    const shell = async (command: string): Promise<string> => {
      const child = spawn("bash", ["--norc", "--noprofile", "-c", command, process.execPath, PROGRAM], {
        cwd: workspace.directory,
        env: workspace.environment(),
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => {
          said += data.toString();
        });
      await once(child, "close");
      return said;
    };
    const messages = Array.from({ length: 3000 }, (_, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: `ü${"x".repeat(100)}`,
    }));
    await workspace.write(
      "state/long.json",
      JSON.stringify({
        messages,
        _metadata: { savedAt: "2026-01-14T21:30:00.000Z", version: "1.0.0-draft", conversationId: "long" },
      }),
    );
    workspace.pushNow();
    expect(
      await shell('"$0" "$1" show long --json > out.json; "$0" "$1" show long --json | cmp - out.json && echo same'),
    ).toBe("same\n");
    expect(await shell('"$0" "$1" show long --json > /dev/full; echo $?')).toMatch(
      /cannot write to stdout \(ENOSPC\)[^\n]*\n7\n$/,
    );
  });

  test("takes no offence at a reader that leaves after the first line of much", async ({ workspace }) => {
    const messages = Array.from({ length: 4000 }, (_, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: "x".repeat(100),
    }));
    await workspace.write(
      "state/long.json",
      JSON.stringify({
        messages,
        _metadata: { savedAt: "2026-01-14T21:30:00.000Z", version: "1.0.0-draft", conversationId: "long" },
      }),
    );
    const script = `"$0" "$1" show long | head -1; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn("bash", ["--norc", "--noprofile", "-c", script, process.execPath, PROGRAM], {
      cwd: workspace.directory,
      env: { PATH: process.env["PATH"] ?? "" },
    });
    let [stdout, stderr] = ["", ""];
    shell.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    shell.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    await once(shell, "close");
    expect([stdout.trim().split("\n").at(-1), stderr]).toEqual(["0", ""]);
  });

  test("takes no offence at a reader of ls that is gone before it begins", async ({ workspace }) => {
    const cli = workspace.start(["ls", "--json"]);
    cli.child.stdout.destroy();
    const { status, stderr } = await cli.ended;
    expect([status, stderr]).toEqual([0, ""]);
  });
});
