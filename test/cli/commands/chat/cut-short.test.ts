/** An answer that the model ended before all was said: it is complete by its word, and the reader is told. */
import { describe, expect } from "vitest";
import { cutShortLine, errorLine } from "../../../../src/cli/chat/ending.js";
import { DraftstateError } from "../../../../src/errors.js";
import { saying } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const RIGHT = { env: { OPENAI_API_KEY: "k" } };
const args = (url: string, ...more: readonly string[]): string[] => [
  "chat",
  "--base-url",
  url,
  "--model",
  "m",
  ...more,
];

describe("an answer cut off", TIMEOUT, () => {
  for (const [reason, told] of [
    ["length", "the token limit"],
    ["content_filter", "the provider's filter"],
  ] as const) {
    test(`by ${told} is reported and marked, and continues without a prompt`, async ({ workspace, serve }) => {
      const { url } = await serve((answer) => {
        answer.text("Once");
        answer.finish(reason);
        answer.done();
      }, saying(" upon a time."));
      const asked = await workspace.run(args(url, "--id", "tale", "Hi"), RIGHT);
      expect([asked.status, asked.stdout]).toEqual([0, "Once\n"]);
      expect(asked.stderr).toMatch(new RegExp(`warning: .*cut off (at|by) ${told} \\(finish reason ${reason}\\)`));
      expect((await workspace.run(["show", "tale"])).stdout).toMatch(new RegExp(`cut off (at|by) ${told}`));
      const resumed = await workspace.run(args(url, "--resume", "tale"), RIGHT);
      expect([resumed.status, resumed.stdout]).toEqual([0, " upon a time.\n"]);
      expect((await workspace.run(["show", "tale"])).stdout).toContain("assistant (continued)");
    });
  }

  test("is told as one line of JSON with its finish reason", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.text("Once");
      answer.finish("length");
      answer.done();
    });
    const { stdout } = await workspace.run(args(url, "--json", "Hi"), RIGHT);
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ type: "end", finishReason: "length" });
  });

  test("by an error that is lasting is not to be resumed as it is", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.respond(400, "application/json", '{"error":{"message":"maximum context length is 8 tokens"}}');
    });
    const { status, stderr } = await workspace.run(args(url, "--id", "tale", "Hi"), RIGHT);
    expect(status).toBe(6);
    expect(stderr).toContain("saved as tale (error); it would fail again as it is");
    expect(stderr).toContain("draftstate chat --resume tale --model <name>");
  });
});

describe("what to type next is said at the prompt", () => {
  const end = {
    type: "end",
    usage: undefined,
    finishReason: undefined,
    remarks: [],
    warnings: [],
    revision: 3,
  } as const;
  const state = { messages: [], currentNarrative: "", streamingProperties: {} } as never;
  const error = new DraftstateError("MODEL", "it failed");

  test("after an error, what was cut off, and one that is lasting", () => {
    expect(errorLine({ ...end, state, error, status: "error", isLasting: false }, true)).toBe(
      "it failed; /retry asks again, /undo takes the question back",
    );
    expect(errorLine({ ...end, state, error, status: "interrupted", isLasting: false }, true)).toContain("/continue");
    expect(errorLine({ ...end, state, error, status: "error", isLasting: true }, true)).toMatch(
      /\/retry would fail in the same way: \/undo/,
    );
    expect(errorLine({ ...end, state, error, status: "error", isLasting: false }, false)).toBe("it failed");
  });

  test("after an answer at the token limit", () => {
    const cut = {
      ...end,
      state,
      error: undefined,
      finishReason: "max_tokens",
      status: "complete",
      isLasting: false,
    } as const;
    expect(cutShortLine(cut, true)).toContain("/continue resumes it");
    expect(cutShortLine({ ...cut, finishReason: "stop" }, true)).toBeUndefined();
  });
});
