/** Options that choose: each is used once by the built CLI, and chooses what it says. */
import { describe, expect } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/index.js";
import type { Row, Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

async function listed(workspace: Workspace, ...args: readonly string[]): Promise<string[]> {
  return ((await workspace.json(["ls", ...args])) as Row[]).map(({ conversationId }) => conversationId);
}

describe.concurrent("ls", TIMEOUT, () => {
  test("sorts, reverses, limits and filters", async ({ workspace }) => {
    await seed(workspace, "b-short", [{ prompt: "Zebras", answer: "One." }]);
    await seed(
      workspace,
      "a-long",
      [
        { prompt: "Apples", answer: "One two three.", status: "interrupted" },
        { prompt: "More", answer: "Four five." },
      ],
      "other-model",
    );
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
    expect([
      (await listed(workspace, "--since", "2020-01-01T14:30")).length,
      await listed(workspace, "--since", "2999-01-01"),
    ]).toEqual([3, []]);
    expect([
      ((await workspace.json(["search", "one", "--since", "2020-01-01"])) as unknown[]).length,
      await workspace.json(["search", "one", "--since", "2999-01-01"]),
    ]).toEqual([3, []]);
  });
});

describe.concurrent("prune", TIMEOUT, () => {
  test("keeps by age, week and month; pinned ones stay; --purge leaves nothing to undo", async ({ workspace }) => {
    await seed(
      workspace,
      "tale",
      [1, 2, 3].map((turn) => ({ prompt: `Turn ${turn}`, answer: "Once." })),
    );
    const kept = async (...rules: string[]): Promise<number> =>
      ((await workspace.json(["prune", "tale", ...rules, "--dry-run"])) as { kept: string[] }).kept.length;
    expect([
      await kept("--older-than", "1d"),
      await kept("--keep-weekly", "2"),
      await kept("--keep-monthly", "2"),
    ]).toEqual([3, 1, 1]);
    expect(await kept("--older-than", "2020-01-01")).toBe(3);
    expect(await workspace.run(["prune", "tale", "--older-than", "2999-01-01"])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("in the future") as unknown,
    });
    await workspace.run(["chat", "Turn 4", "--resume", "tale"]);
    await workspace.run(["backup", "tale", "--pin", "--tag", "keep"]);
    await workspace.run(["prune", "tale", "--max", "0", "--purge", "--yes"]);
    expect(await workspace.json(["backups", "tale"])).toMatchObject([{ pinned: true, tag: "keep" }]);
    expect((await workspace.run(["undo", "tale"])).status).toBe(3);
  });
});

describe.concurrent("--yes on a terminal", TIMEOUT, () => {
  test.for([
    ["prune", "tale", "--max", "0"],
    ["rm", "tale"],
    ["undo", "--empty-trash"],
  ])("%s asks nothing", async (args, { workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    await workspace.run(["rename", "tale", "A title"]);
    const terminal = TerminalSession.start(workspace, [...args, "--yes"]);
    expect([(await terminal.ended).status, terminal.screen.includes("[y/N]")]).toEqual([0, false]);
  });
});

test("restore of a conversation that another process has open asks nothing", TIMEOUT, async ({ workspace }) => {
  const turns = ["Hi", "And?"].map((prompt) => ({ prompt, answer: prompt }));
  await seed(workspace, "tale", turns);
  const manager = createDraftStatePersistenceManager({
    stateDir: workspace.path("state"),
    backupDir: workspace.path("backup"),
  });
  const open = await manager.open("tale");
  const terminal = TerminalSession.start(workspace, ["restore", "tale", "--backup", "@1"]);
  expect([(await terminal.ended).status, terminal.screen.includes("[y/N]")]).toEqual([5, false]);
  expect(terminal.screen).toContain("is locked");
  await open.close();
  await manager.close();
});

describe.concurrent("health", TIMEOUT, () => {
  interface Checked {
    readonly status: string;
    readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
  }
  const checkOf = ({ checks }: Checked, word: string): string | undefined =>
    checks.find(({ name }) => name.includes(word))?.status;

  test("--quick does not read a backup, and without it a damaged one is found", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
    const [backup] = await workspace.backups("tale");
    await workspace.write(backup?.path ?? "", "{ torn");
    const [quick, whole] = [
      await workspace.run(["health", "--quick", "--json"]),
      await workspace.run(["health", "--json"]),
    ];
    expect([quick.status, checkOf(JSON.parse(quick.stdout) as Checked, "damage")]).toEqual([0, "ok"]);
    expect([whole.status, checkOf(JSON.parse(whole.stdout) as Checked, "damage")]).toEqual([4, "fail"]);
  });

  test("--max-backup-age says how long changes may be without a backup", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale"], { env: { DRAFTSTATE_MAX_BACKUPS: "0" } });
    const [strict, lenient] = [
      await workspace.run(["health", "--max-backup-age", "0s", "--json"]),
      await workspace.run(["health", "--max-backup-age", "1d", "--json"]),
    ];
    expect([
      checkOf(JSON.parse(strict.stdout) as Checked, "backup"),
      checkOf(JSON.parse(lenient.stdout) as Checked, "backup"),
    ]).toEqual(["warn", "ok"]);
  });
});

test("export --history puts the backups into the page, --output names the file", TIMEOUT, async ({ workspace }) => {
  await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
  for (const [name, ...more] of [["with.html", "--history"], ["without.html"]] as const)
    await workspace.run(["export", "tale", "--format", "html", "--output", name, ...more]);
  const hasBackups = async (name: string): Promise<boolean> =>
    (await workspace.read(name)).includes("<h2>Backups</h2>");
  expect([await hasBackups("with.html"), await hasBackups("without.html")]).toEqual([true, false]);
});

test("chat --continue resumes the last conversation", TIMEOUT, async ({ workspace }) => {
  await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
  await workspace.run(["chat", "--continue", "More"]);
  expect((await workspace.row("tale"))?.messageCount).toBe(4);
});
