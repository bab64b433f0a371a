/** The shapes that docs/schemas promises: the files are what the code says, and what each command really prints fits, with no field left unsaid. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.js";
import { SCHEMAS } from "../../src/cli/schemas/index.js";
import { jsonSchemaFiles } from "../../src/cli/schemas/json-schema.js";
import { jsonLines, type Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { InProcess, TIMEOUT } from "../cli/world.js";

const DOCS = fileURLToPath(new URL("../../docs/schemas", import.meta.url));

/** Unknown fields are dropped by parsing, so what comes out equal had none. */
function expectToFit(name: keyof typeof SCHEMAS, value: unknown): void {
  expect(SCHEMAS[name].parse(value)).toEqual(value);
}

test("docs/schemas holds what the code says; npm run schemas writes it", () => {
  const written = new Map(readdirSync(DOCS).map((name) => [name, readFileSync(`${DOCS}/${name}`, "utf8")]));
  expect(written).toEqual(jsonSchemaFiles());
});

test("every command has one", async () => {
  const program = await createProgram([], { write: () => undefined, runner: () => () => Promise.resolve() });
  const commands = program.commands.map((command) => command.name());
  expect(commands.length).toBeGreaterThan(25);
  expect(commands.filter((name) => !Object.hasOwn(SCHEMAS, name))).toEqual([]);
});

describe("what is printed with --json fits its schema:", TIMEOUT, () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await InProcess.create();
    await seed(workspace, "tale", [
      { prompt: "one", answer: "First." },
      { prompt: "two", answer: "Second.", status: "interrupted" },
    ]);
    await seed(workspace, "bad", [{ prompt: "one", answer: "First." }]);
    await workspace.write("state/bad.json", "{");
    await workspace.write("backup/tale_2020-01-01T00-00-00-000Z.json", "{");
  }, 60_000);
  afterAll(() => workspace.remove());

  const printed = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await workspace.run([...args, "--json"])).stdout);

  test.each([
    ["ls", ["ls"]],
    ["show", ["show", "tale"]],
    ["show", ["show", "tale", "--backup", "~1"]],
    ["inspect", ["show", "tale", "--inspect"]],
    ["backups", ["backups", "tale"]],
    ["diff", ["diff", "tale", "~1"]],
    ["restore", ["restore", "tale", "--backup", "~1", "--dry-run"]],
    ["prune", ["prune", "--max", "1", "--dry-run"]],
    ["verify", ["verify"]],
    ["config", ["config"]],
    ["models", ["models"]],
    ["completion", ["completion", "zsh"]],
    ["search", ["search", "first"]],
    ["search", ["search", "First", "--backups"]],
    ["health", ["health"]],
    ["stats", ["stats"]],
    ["stats-conversation", ["stats", "tale"]],
    ["export", ["export", "tale"]],
    ["export", ["export", "tale", "--history"]],
    ["export-result", ["export", "tale", "--format", "md", "--redact"]],
    ["export-result", ["export", "tale", "-o", "tale.html"]],
    ["error", ["show", "nobody"]],
    ["error", ["ls", "--no-such-option"]],
    ["restore", ["restore", "tale", "--backup", "~1", "--yes"]],
    ["repair", ["repair", "bad"]],
    ["prune", ["prune", "tale", "--max", "1"]],
    ["rename", ["rename", "tale", "The whale"]],
    ["backup", ["backup", "tale", "--tag", "dragon"]],
    ["fork", ["fork", "tale@~1", "idea"]],
    ["migrate", ["migrate"]],
    ["import", ["import", fileURLToPath(new URL("../fixtures/import/chatgpt-media.json", import.meta.url))]],
    ["rm", ["rm", "idea", "--dry-run"]],
    ["rm", ["rm", "idea", "bad"]],
    ["operations", ["undo", "--list"]],
    ["undo", ["undo"]],
    ["redo", ["redo"]],
    ["undo", ["undo", "tale"]],
    ["trash", ["undo", "--empty-trash"]],
  ] as const)("%s of %j", async (name, args) => {
    expectToFit(name, await printed(...args));
  });

  test("each line of chat, also of one that fails", async () => {
    const lines = [
      ...jsonLines((await workspace.run(["chat", "hello", "--id", "new", "--json"])).stdout),
      ...jsonLines((await workspace.run(["chat", "hello", "--id", "new", "--json"])).stdout),
    ];
    expect(lines.map(({ type }) => type)).toEqual(expect.arrayContaining(["start", "token", "saved", "end", "error"]));
    for (const line of lines) expectToFit("chat", line);
  });

  test("each line of watch", async () => {
    const [one, all] = [workspace.start(["watch", "tale", "--json"]), workspace.start(["watch", "--json"])];
    await Promise.all([
      one.printed("status", 1),
      expect.poll(() => all.stderr, { timeout: 20_000 }).toContain("watching"),
    ]);
    await workspace.run(["chat", "and then?", "--resume", "tale"]);
    await Promise.all([one.printed("message", 2), all.printed("changed", 1)]);
    for (const watcher of [one, all]) {
      await watcher.end("SIGINT");
      for (const line of watcher.lines) expectToFit("watch", line);
    }
  });
});
