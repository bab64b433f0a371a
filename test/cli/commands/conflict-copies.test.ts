/** Second copies that sync tools made: the commands that `verify` names work as they are written. */
import { rm } from "node:fs/promises";
import { describe, expect } from "vitest";
import { seed } from "../../e2e/seed.js";
import { test, TIMEOUT } from "../world.js";

describe("a second copy of a conversation", TIMEOUT, () => {
  test("is looked at, and kept, by the commands that verify names, each under an id of its own", async ({
    workspace,
  }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    const text = await workspace.read("state/tale.json");
    for (const name of [
      "tale (Ann's conflicted copy).json",
      "tale.sync-conflict-20260101-120000-ABCDEFG.json",
      "tale (1).json",
    ])
      await workspace.write(`state/${name}`, text);
    const { stdout } = await workspace.run(["verify"]);
    const named = [...stdout.matchAll(/draftstate (import (?:--dry-run )?--id \S+ .+?\.json'?)(?=,)/g)].map(
      ([, command = ""]) => command,
    );
    expect(named).toHaveLength(6);
    for (const command of named) expect((await workspace.run(wordsOf(command))).status, command).toBe(0);
    expect((await workspace.ls()).map(({ conversationId }) => conversationId).sort()).toEqual([
      "tale",
      "tale-copy",
      "tale-copy-2",
      "tale-copy-3",
    ]);
  });

  test("that is all that is left is told by ls, with the command that brings it back", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    await workspace.write("state/tale 2.json", await workspace.read("state/tale.json"));
    for (const path of [...(await workspace.files()).keys()]) if (/tale(?:_.*)?\.json$/.test(path)) await rm(path);
    const { stderr } = await workspace.run(["ls"]);
    expect(stderr).toContain(`tale is gone, and ${workspace.path("state/tale 2.json")} is left: a copy of tale.json`);
    const [, command = ""] =
      /keep it as a conversation of its own with draftstate (import .+?\.json'?)(?=,)/.exec(stderr) ?? [];
    expect((await workspace.run(wordsOf(command))).status).toBe(0);
    expect((await workspace.ls()).map(({ conversationId }) => conversationId)).toEqual(["tale"]);
  });
});

/** As a shell takes them. */
function wordsOf(command: string): string[] {
  return (command.match(/(?:'[^']*'|\\'|[^\s'\\])+/g) ?? []).map((word) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_all, quoted?: string, single?: string) => quoted ?? single ?? ""),
  );
}
