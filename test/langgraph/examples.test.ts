/** The examples do what they say, each step in a process of its own, on the built library. */
import { Client } from "@langchain/langgraph-sdk";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DraftstateSaver } from "../../src/langgraph/index.js";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url));

function run(cwd: string, name: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [example(name), ...args], { cwd, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("a graph asks a person, and another process takes the answer", () => {
  const cwd = mkdtempSync(join(tmpdir(), "draftstate-example-"));
  expect(run(cwd, "human-in-the-loop")).toBe("Book the flight to Bonn?\n");
  expect(run(cwd, "human-in-the-loop", "yes")).toBe("the person said: yes\n");
});

test("what was shown of an answer when the process was killed is kept by the next", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "draftstate-example-"));
  const child = spawn(process.execPath, [example("token-log")], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  let shown = "";
  for await (const part of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    shown += part;
    if (shown.length > 100) child.kill("SIGKILL");
  }
  const [, length = "0"] = /^cut off: (\d+) characters of story's answer are kept\n/.exec(run(cwd, "token-log")) ?? [];
  expect(Number(length)).toBeGreaterThanOrEqual(shown.length);
});

/** Text of the answer that arrived until the client gives up: the server does not wait for the disk. */
async function shownBy(client: Client, threadId: string): Promise<string> {
  const input = { messages: [{ role: "human", content: "a story" }] };
  const stream = client.runs.stream(threadId, "agent", { input, streamMode: ["messages-tuple"] });
  let shown = "";
  for await (const { event, data } of stream) {
    if (event === "messages") shown += (data as unknown as [{ content: string }])[0].content;
    if (shown.length > 40) break;
  }
  return shown;
}

/** Its answer on the way, as another process reads it. */
async function partialIn(cwd: string, threadId: string): Promise<string> {
  const saver = new DraftstateSaver({ stateDir: join(cwd, "state"), backupDir: join(cwd, "backup"), telemetry: false });
  const partials = await saver.partials({ configurable: { thread_id: threadId } });
  await saver.close();
  return partials.map(({ node, text }) => `${node}: ${text}`).join();
}

test("a LangGraph API server that is killed in a run keeps what a client was shown of it", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "draftstate-example-"));
  const env = { ...process.env, PORT: "0", LANGSMITH_TRACING: "false" };
  const server = spawn(process.execPath, [example("embed-server")], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  const said = await new Promise<string>((resolve) => server.stdout.setEncoding("utf8").once("data", resolve));
  const [, apiUrl = ""] = /listening on (\S+)/.exec(said) ?? [];
  const client = new Client({ apiUrl, apiKey: null, callerOptions: { maxRetries: 0 } });
  const { thread_id: threadId } = await client.threads.create({ metadata: { user: "ann" } });
  const shown = await shownBy(client, threadId);
  while (!(await partialIn(cwd, threadId)).startsWith(`write: ${shown}`))
    await new Promise((resolve) => setTimeout(resolve, 20));
  server.kill("SIGKILL");
  await new Promise((resolve) => server.once("exit", resolve));
  expect((await partialIn(cwd, threadId)).startsWith(`write: ${shown}`)).toBe(true);
  expect(shown.length).toBeGreaterThan(40);
});
