/** Options that choose: each is used once by the built CLI, and chooses what it says. */
import { describe, expect } from "vitest";
import type { Row, Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

async function listed(workspace: Workspace, ...args: readonly string[]): Promise<string[]> {
  return ((await workspace.json(["ls", ...args])) as Row[]).map(({ conversationId }) => conversationId);
}

describe.concurrent("ls", TIMEOUT, () => {
  test("sorts, reverses, limits and filters", async ({ workspace }) => {
    await seed(workspace, "b-short", [{ prompt: "Zebras", answer: "One." }]);
    await seed(workspace, "a-long", [{ prompt: "Apples", answer: "One two three.", status: "interrupted" }, { prompt: "More", answer: "Four five." }], "other-model");
    await seed(workspace, "c-cut", [{ prompt: "Middle", answer: "One two", status: "interrupted" }]);
    expect(await listed(workspace, "--sort", "id")).toEqual(["a-long", "b-short", "c-cut"]);
    expect(await listed(workspace, "--sort", "title", "--reverse")).toEqual(["b-short", "c-cut", "a-long"]);
    expect(await listed(workspace, "--sort", "messages", "--limit", "1")).toEqual(["a-long"]);
    expect((await listed(workspace, "--sort", "tokens"))[0]).toBe("a-long");
    expect((await listed(workspace, "--sort", "size"))[0]).toBe("a-long");
    expect(await listed(workspace, "--sort", "created", "--limit", "2")).toEqual(["c-cut", "a-long"]);
    expect(await listed(workspace, "--status", "interrupted")).toEqual(["c-cut"]);
    expect(await listed(workspace, "--grep", "zebra")).toEqual(["b-short"]);
    expect(await listed(workspace, "--model", "other-model")).toEqual(["a-long"]);
    expect(await listed(workspace, "--since", "1h", "--sort", "updated")).toEqual(["c-cut", "a-long", "b-short"]);
  });
});

describe.concurrent("prune", TIMEOUT, () => {
  test("keeps by age, week and month; pinned ones stay; --purge leaves nothing to undo", async ({ workspace }) => {
    await seed(workspace, "tale", [1, 2, 3].map((turn) => ({ prompt: `Turn ${turn}`, answer: "Once." })));
    const kept = async (...rules: string[]): Promise<number> => ((await workspace.json(["prune", "tale", ...rules, "--dry-run"])) as { kept: string[] }).kept.length;
    expect([await kept("--older-than", "1d"), await kept("--keep-weekly", "2"), await kept("--keep-monthly", "2")]).toEqual([3, 1, 1]);
    await workspace.run(["chat", "Turn 4", "--resume", "tale"]);
    await workspace.run(["backup", "tale", "--pin", "--tag", "keep"]);
    await workspace.run(["prune", "tale", "--max", "0", "--purge", "--yes"]);
    expect(await workspace.json(["backups", "tale"])).toMatchObject([{ pinned: true, tag: "keep" }]);
    expect((await workspace.run(["undo", "tale"])).status).toBe(3);
  });
});

describe.concurrent("--yes on a terminal", TIMEOUT, () => {
  test.for([["prune", "tale", "--max", "0"], ["rm", "tale"], ["undo", "--empty-trash"]])("%s asks nothing", async (args, { workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    await workspace.run(["rename", "tale", "A title"]);
    const terminal = TerminalSession.start(workspace, [...args, "--yes"]);
    expect([(await terminal.ended).status, terminal.screen.includes("[y/N]")]).toEqual([0, false]);
  });
});
