/** The command as a citizen of the shell: what it loads, and readers that leave early. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "./world.js";

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));

/** Says the address of each ES module on stderr as it is resolved. */
const HOOK = `
import { writeSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  writeSync(2, "loaded " + resolved.url + "\\n");
  return resolved;
}`;
const REGISTER = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOK)}`)});`;
const TRACE = ["--import", `data:text/javascript,${encodeURIComponent(REGISTER)}`];

function langchain(stderr: string): number {
  return stderr.split("\n").filter((line) => line.startsWith("loaded ") && line.includes("/@langchain/")).length;
}

describe.concurrent("the command", TIMEOUT, () => {
  for (const args of [["ls"], ["--help"], ["verify"]]) {
    test(`loads nothing of LangChain for ${args.join(" ")}`, async ({ workspace }) => {
      const { stderr } = await workspace.run(args, { node: TRACE });
      expect([stderr.includes("/dist/cli/main.js"), langchain(stderr)]).toEqual([true, 0]);
    });
  }

  test("loads LangChain for chat, but nothing of OpenAI's for the offline model", async ({ workspace }) => {
    const { stderr } = await workspace.run(["chat", "Hi"], { node: TRACE });
    expect([langchain(stderr) > 0, /\/node_modules\/(@langchain\/openai|openai)\//.test(stderr)]).toEqual([true, false]);
  });

  test("takes no offence at a reader that leaves after the first line of much", async ({ workspace }) => {
    const messages = Array.from({ length: 4000 }, (_, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content: "x".repeat(100) }));
    await workspace.write("state/long.json", JSON.stringify({ messages, _metadata: { savedAt: "2026-01-14T21:30:00.000Z", version: "1.0.0-draft", conversationId: "long" } }));
    const script = `"$0" "$1" show long | head -1; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn("bash", ["--norc", "--noprofile", "-c", script, process.execPath, PROGRAM], { cwd: workspace.directory, env: { PATH: process.env["PATH"] ?? "" } });
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
