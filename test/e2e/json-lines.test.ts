/** `chat --json`: the shape of each line, and that a line about a token is never ahead of the disk. */
import { describe, expect } from "vitest";
import type { JsonLine } from "./cli.js";
import { jsonLines } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const TOKENS = ["Once", " upon", " a", " time", " there", " was"];
const REVISION = expect.any(Number) as unknown;

function textOf(lines: readonly JsonLine[]): string {
  return lines.flatMap((line) => (line.type === "token" ? [String(line["text"])] : [])).join("");
}

function revisionsOf(lines: readonly JsonLine[]): number[] {
  return lines.flatMap((line) => (line.type === "saved" ? [Number(line["revision"])] : []));
}

describe.concurrent("chat --json", TIMEOUT, () => {
  test("prints start, each token, what was saved, and the end, each in its shape", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      for (const token of TOKENS) answer.text(token);
      answer.finish();
      answer.chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 } });
      answer.done();
    });
    const result = await workspace.run([
      "chat",
      "Hi",
      "--id",
      "tale",
      "--base-url",
      url,
      "--model",
      "test-model",
      "--json",
    ]);
    const lines = jsonLines(result.stdout);
    expect(result.status).toBe(0);
    expect(lines[0]).toEqual({ type: "start", conversationId: "tale", model: "openai:test-model" });
    expect(lines.at(-1)).toEqual({
      type: "end",
      conversationId: "tale",
      status: "complete",
      revision: REVISION,
      usage: { inputTokens: 3, outputTokens: 6 },
      finishReason: "stop",
    });
    expect(lines.filter(({ type }) => type === "token")).toEqual(TOKENS.map((text) => ({ type: "token", text })));
    for (const line of lines.filter(({ type }) => type === "saved"))
      expect(line).toEqual({ type: "saved", revision: REVISION, tokenCount: REVISION });
    expect(new Set(lines.map(({ type }) => type))).toEqual(new Set(["start", "token", "saved", "end"]));
  });

  test("says rising revisions as saved, the last that of the end and of the file", async ({ workspace }) => {
    const lines = jsonLines((await workspace.run(["chat", "Hi", "--id", "tale", "--json"])).stdout);
    const saved = revisionsOf(lines);
    expect(saved.length).toBeGreaterThan(1);
    expect(saved.every((revision, index) => index === 0 || revision > (saved[index - 1] ?? 0))).toBe(true);
    expect([saved.at(-1), (await workspace.show("tale"))._metadata.revision]).toEqual([
      lines.at(-1)?.["revision"],
      lines.at(-1)?.["revision"],
    ]);
  });

  test("waits for the disk although the process itself is busy", async ({ workspace }) => {
    // From the first line on, the event loop is blocked 300 ms at a time, five times.
    const busy = `const write = process.stdout.write.bind(process.stdout); let left = 5;
      const block = () => { const end = performance.now() + 300; while (performance.now() < end); if (--left > 0) setTimeout(block, 20); };
      process.stdout.write = (...args) => { if (left === 5) { left = 4; setTimeout(block, 0); } return write(...args); };`;
    const result = await workspace.run(["chat", "Hi", "--json"], {
      node: ["--import", `data:text/javascript,${encodeURIComponent(busy)}`],
    });
    const lines = jsonLines(result.stdout);
    expect(lines.filter(({ type }, index) => type === "token" && lines[index + 1]?.type !== "saved")).toEqual([]);
  });

  for (const count of [1, 30]) {
    test(`has on disk, after kill -9, the ${count} or more tokens that it printed`, async ({ workspace }) => {
      const cli = workspace.start(["chat", "Hi", "--id", "tale", "--json"], {
        env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5" },
      });
      await cli.printed("token", count);
      const lines = jsonLines((await cli.end("SIGKILL")).stdout);
      const kept = await workspace.show("tale");
      expect(String(kept.messages.at(-1)?.content).startsWith(textOf(lines))).toBe(true);
      expect(kept._metadata.revision).toBeGreaterThanOrEqual(Math.max(...revisionsOf(lines)));
    });
  }

  test("says an error as a line before the end, and exits with 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.respond(500, "application/json", '{"error":{"message":"it broke"}}');
    });
    const result = await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url, "--json"]);
    const [error, end] = jsonLines(result.stdout).slice(-2);
    expect([result.status, error, end]).toMatchObject([
      6,
      { type: "error", code: "MODEL" },
      { type: "end", conversationId: "tale", status: "error", usage: null },
    ]);
  });

  test("says an error that comes before any answer in both shapes, on one line", async ({ workspace }) => {
    const result = await workspace.run(["chat", "Hi", "--resume", "nowhere", "--json"]);
    expect([result.status, jsonLines(result.stdout)]).toMatchObject([
      3,
      [{ type: "error", code: "NOT_FOUND", error: { code: "NOT_FOUND" } }],
    ]);
  });
});
