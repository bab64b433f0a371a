/** Directories and files of a store that somebody else may change are reported, by chat once and by health. */
import { chmod, link } from "node:fs/promises";
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "../world.js";

interface Health {
  readonly status: string;
  readonly checks: readonly { readonly name: string; readonly detail: string }[];
}

const accessIn = ({ checks }: Health): string => checks.find(({ name }) => name === "access")?.detail ?? "";

describe("what others may change", TIMEOUT, () => {
  test("is a directory that they may write: chat warns once, health warns, and both say how to repair it", async ({
    workspace,
  }) => {
    const run = (...args: string[]) => workspace.run(["chat", "Hi", "--model", "offline", ...args]);
    expect((await run("--id", "tale")).stderr).not.toContain("others");
    expect(accessIn((await workspace.json(["health"])) as Health)).toBe("");
    await chmod(workspace.path("state"), 0o777);
    const { stderr } = await run();
    expect(stderr.match(/^warning: others can change .*state.*mode 777.*chmod go-w/gm)).toHaveLength(1);
    expect((await run("--no-save")).stderr).not.toContain("warning");
    const health = (await workspace.json(["health"])) as Health;
    expect([health.status, accessIn(health).includes("mode 777")]).toEqual(["warn", true]);
  });

  test("is a file with a second name, or one that they may write", async ({ workspace }) => {
    for (const id of ["tale", "other"]) await workspace.run(["chat", "Hi", "--model", "offline", "--id", id]);
    await link(workspace.path("state/tale.json"), workspace.path("elsewhere"));
    await chmod(workspace.path("state/other.json"), 0o666);
    const detail = accessIn((await workspace.json(["health"])) as Health);
    expect(detail).toMatch(/tale\.json: .*hard link/);
    expect(detail).toMatch(/other\.json: .*mode 666/);
  });
});
