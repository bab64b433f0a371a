/** What a model thought, in exports and searches: only where it is wanted. */
import { describe, expect } from "vitest";
import type { Workspace } from "../../e2e/cli.js";
import { test } from "../world.js";

async function seed(workspace: Workspace): Promise<void> {
  const at = "2025-01-01T00:00:00.000Z";
  const messages = [
    { id: "a", role: "user", content: "So?", createdAt: at },
    {
      id: "b",
      role: "assistant",
      content: "Yes.",
      createdAt: at,
      status: "complete",
      reasoning: "A <lighthouse>\n\n# sk-abcdefghijklmnopqrstuvwx",
    },
  ];
  await workspace.write("in.json", JSON.stringify({ messages }));
  await workspace.json(["import", "in.json", "--id", "tale"]);
}

describe("--reasoning", () => {
  test.for([
    ["md", "> **Reasoning**\n>\n> A"],
    ["html", "<summary>reasoning</summary>"],
  ] as const)("puts it into %s, which leaves it out otherwise", async ([format, shown], { workspace }) => {
    await seed(workspace);
    const plain = await workspace.run(["export", "tale", "--format", format]);
    expect([plain.status, plain.stdout.includes("lighthouse")]).toEqual([0, false]);
    const { stdout } = await workspace.run(["export", "tale", "--format", format, "--reasoning"]);
    expect(stdout).toContain(shown);
    expect(stdout).toContain("lighthouse");
    expect(stdout).not.toContain("<lighthouse>");
  });

  test("is redacted as everything else is", async ({ workspace }) => {
    await seed(workspace);
    const { stdout } = await workspace.run(["export", "tale", "--reasoning", "--redact"]);
    expect([stdout.includes("lighthouse"), stdout.includes("sk-abc")]).toEqual([true, false]);
  });

  test("searches it too", async ({ workspace }) => {
    await seed(workspace);
    expect(await workspace.json(["search", "lighthouse"])).toEqual([]);
    expect(await workspace.json(["search", "lighthouse", "--reasoning"])).toMatchObject([{ conversationId: "tale" }]);
  });
});
