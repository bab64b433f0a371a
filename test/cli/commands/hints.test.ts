/** What people type who do not know the tool yet: each mistake is answered by the way on. */
import { describe, expect } from "vitest";
import { seed } from "../../e2e/seed.js";
import { test, TIMEOUT } from "../world.js";

describe.concurrent("a newcomer", TIMEOUT, () => {
  test.for([
    ["resume", "chat --resume"],
    ["history", "backups"],
    ["delete", "rm"],
    ["remove", "rm"],
    ["log", "show"],
    ["cat", "show"],
    ["view", "show"],
    ["new", "chat"],
    ["info", "show <id> --inspect"],
  ] as const)("who types %s is told of %s", async ([word, command], { workspace }) => {
    const { status, stderr } = await workspace.run([word, "tale"]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(new RegExp(`^error: unknown command '${word}': use draftstate ${command}( <id>)?\n$`)),
    ]);
  });

  test.for([
    [["shwo"], "unknown command 'shwo' (did you mean show?)"],
    [["help", "shwo"], "unknown command 'shwo' (did you mean show?)"],
    [["help", "wxyz"], "unknown command 'wxyz'; see draftstate --help"],
    [["help", "resume"], "unknown command 'resume': use draftstate chat --resume <id>"],
    [["ls", "extra"], "draftstate ls takes no arguments but got 1; see draftstate help ls"],
    [["show", "a", "b"], "draftstate show takes 1 argument but got 2; see draftstate help show"],
    [["ls", "--sort"], "--sort <field> needs a value; see draftstate help ls"],
    [
      ["ls", "--sort", "age"],
      'invalid --sort "age": expected one of updated, created, id, title, messages, tokens, size',
    ],
    [["export", "tale", "--format", "pdf"], 'invalid --format "pdf": expected one of md, html, json, jsonl'],
    [["search", "x", "--role", "wizard"], 'invalid --role "wizard": expected one of system, user, assistant, tool'],
    [["completion", "tcsh"], 'invalid <shell> "tcsh": expected one of bash, zsh, fish'],
  ] as const)("who types %j reads one plain line, the same with --json", async ([args, message], { workspace }) => {
    const [plain, json] = [await workspace.run(args), await workspace.run([...args, "--json"])];
    expect([plain.status, plain.stdout, plain.stderr]).toEqual([2, "", `error: ${message}\n`]);
    expect([json.status, JSON.parse(json.stdout)]).toEqual([2, { error: { code: "USAGE", message, path: null } }]);
  });

  test.for(["-v", "-V", "--version"])("who types %s reads the version", async (flag, { workspace }) => {
    expect(await workspace.run([flag])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+/) as string,
    });
  });

  test("who watches what does not exist yet is told of --wait's needs", async ({ workspace }) => {
    expect((await workspace.run(["watch", "--wait"])).stderr).toContain("--wait needs the id of a conversation");
    expect((await workspace.run(["watch", "@last", "--wait"])).status).toBe(3);
  });

  test("may type list for ls", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    expect((await workspace.run(["list"])).stdout).toContain("tale");
  });

  test("whose search has upper-case letters and finds nothing is told of -i, others are not", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "a beekeeper" }]);
    const advised = async (...args: string[]): Promise<boolean> =>
      (await workspace.run(["search", ...args])).stderr.includes("-i ignores case");
    expect([
      await advised("Beekeeper"),
      await advised("walnut"),
      await advised("Beekeeper", "-s"),
      await advised("-e", "\\Swalnut"),
    ]).toEqual([true, false, false, false]);
  });

  test("who asks config for one setting is told how to look for it", async ({ workspace }) => {
    const { status, stderr } = await workspace.run(["config", "get", "maxBackups"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("draftstate config | grep")]);
  });

  test("who imports sees as many backups as ls shows then, and how many exist already", async ({ workspace }) => {
    await workspace.write("one.json", JSON.stringify({ messages: [{ role: "user", content: "Hi" }] }));
    const dry = await workspace.run(["import", "one.json", "--id", "one", "--dry-run"]);
    const dryJson = await workspace.json(["import", "one.json", "--id", "one", "--dry-run"]);
    const done = await workspace.run(["import", "one.json", "--id", "one"]);
    const json = await workspace.json(["import", "one.json", "--id", "two"]);
    expect([
      (await workspace.row("one"))?.backupCount,
      dry.stdout.trimEnd().at(-1),
      done.stdout.trimEnd().at(-1),
    ]).toEqual([1, "1", "1"]);
    for (const said of [dryJson, json]) expect(said).toMatchObject({ imported: [{ backups: 0, backupCount: 1 }] });
    expect((await workspace.run(["import", "one.json", "--id", "one", "--skip-existing"])).stderr).toContain(
      "; 1 exists already\n",
    );
  });
});
