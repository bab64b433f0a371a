/** What a model thinks is kept, and reaches no pipe as if it were the answer. */
import { describe, expect } from "vitest";
import type { Script } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const thinking: Script = (answer) => {
  answer.chunk({ choices: [{ index: 0, delta: { reasoning_content: "I think." }, finish_reason: null }] });
  answer.whole(["Yes."]);
};

describe("reasoning", TIMEOUT, () => {
  test("is not on stdout of a pipe; show has it where it is asked for; --json tells it as it comes", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve(thinking);
    const chat = (...more: readonly string[]) => workspace.run(["chat", "So?", "--base-url", url, ...more]);
    const { stdout, stderr, status } = await chat("--id", "tale");
    expect([status, stdout, stderr.includes("I think")]).toEqual([0, "Yes.\n", false]);
    expect((await workspace.run(["show", "tale"])).stdout).not.toContain("I think");
    expect((await workspace.run(["show", "tale", "--reasoning"])).stdout).toMatch(/I think\.\n\nYes\./);
    expect((await chat("--json")).stdout).toContain('{"type":"reasoning","text":"I think."}\n');
  });
});
