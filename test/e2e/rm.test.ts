/** rm: what it says, what it asks, what its exit status is; and that what it takes is in the trash. */
import { describe, expect } from "vitest";
import { errorOf, type Workspace } from "./cli.js";
import { conversationFiles } from "./conversation-files.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

interface Removed {
  readonly conversationId: string;
  readonly removed: readonly string[];
  readonly bytes: number;
  readonly purged: boolean;
  readonly dryRun: boolean;
}

async function tell(workspace: Workspace, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await workspace.run(["chat", `Tell me of ${id}`, "--id", id])).status).toBe(0);
}

/** On a terminal, where it asks; the answer is typed once the question is there. */
async function answered(
  workspace: Workspace,
  args: readonly string[],
  answer: string,
): Promise<{ readonly status: number; readonly shown: string }> {
  const terminal = TerminalSession.start(workspace, args, { columns: 120 });
  await terminal.shows("[y/N]");
  terminal.type(answer);
  terminal.press("enter");
  const { status } = await terminal.ended;
  return { status, shown: terminal.copied };
}

describe("rm", TIMEOUT, () => {
  test("--purge leaves no copy of what was said: not in quarantine, trash or the history of prompts", async ({
    workspace,
  }) => {
    await workspace.run(["chat", "canarytext", "--id", "tale"]);
    await workspace.run(["rename", "tale", "canarytext again"]);
    await workspace.write("state/tale.json", `${await workspace.read("state/tale.json")}garbage`);
    await workspace.run(["repair", "tale"]);
    const history = "state/.draftstate/history/prompts.jsonl";
    await workspace.write(history, '"canarytext"\n"other"\n');
    expect((await workspace.run(["rm", "tale", "--purge", "--yes"])).status).toBe(0);
    expect([...(await workspace.files())].filter(([, text]) => text.includes("canarytext"))).toEqual([]);
    expect(await workspace.read(history)).toBe('"other"\n');
  });

  test("--purge says that an earlier conversation of that name stays in the trash", async ({ workspace }) => {
    await tell(workspace, "tale", "other");
    await workspace.run(["rm", "tale", "other"]);
    await tell(workspace, "tale");
    const { stderr } = await workspace.run(["rm", "tale", "--purge", "--yes"]);
    expect(stderr).toMatch(
      /^removed tale permanently: .+\nan earlier tale stays in the trash: "draftstate undo --empty-trash" removes all that is there\n$/,
    );
  });

  test("--purge names second copies of its files, which stay, and of no other", async ({ workspace }) => {
    await tell(workspace, "tale");
    const text = await workspace.read("state/tale.json");
    const copies = ["tale (1).json", "tale.sync-conflict-20260101-120000-ABCDEFG.json"];
    for (const name of [...copies, "tale-2 (1).json"]) await workspace.write(`state/${name}`, text);
    const { stderr } = await workspace.run(["rm", "tale", "--purge", "--yes"]);
    const named = stderr.split("\n").filter((line) => line.includes(" stays: "));
    expect(named).toHaveLength(2);
    for (const name of copies) expect(stderr).toContain(name);
    expect(await workspace.read("state/tale (1).json")).toBe(text);
  });

  test("says what went and how it comes back, on stderr alone", async ({ workspace }) => {
    await tell(workspace, "tale");
    const { status, stdout, stderr } = await workspace.run(["rm", "tale"]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^removed tale: 2 files, .+\nundo it with: draftstate undo tale\n$/);
    expect(await workspace.ls()).toEqual([]);
  });

  test("with --json gives what went of each, and its files are in the trash", async ({ workspace }) => {
    await tell(workspace, "tale", "other");
    const before = await conversationFiles(workspace);
    const removed = (await workspace.json(["rm", "tale", "oth", "tale"])) as Removed[];
    expect(removed.map(({ conversationId, purged, dryRun }) => [conversationId, purged, dryRun])).toEqual([
      ["tale", false, false],
      ["other", false, false],
    ]);
    const after = [...(await conversationFiles(workspace)).values()];
    for (const path of removed.flatMap((each) => each.removed))
      expect(after).toContain(before.get(workspace.path(path)));
  });

  test("knows prefixes and @last; an unknown id among others removes nothing", async ({ workspace }) => {
    await tell(workspace, "tale", "other");
    const unknown = await workspace.run(["rm", "tale", "nobody", "--json"]);
    expect([unknown.status, errorOf(unknown).code, (await workspace.ls()).length]).toEqual([3, "NOT_FOUND", 2]);
    expect((await workspace.run(["rm", "ta"])).status).toBe(0);
    expect((await workspace.run(["rm", "@last"])).status).toBe(0);
    expect(await workspace.ls()).toEqual([]);
  });

  test("an ambiguous prefix and no id at all are wrong usage", async ({ workspace }) => {
    await tell(workspace, "tale-1", "tale-2");
    expect([
      (await workspace.run(["rm", "tale"])).status,
      (await workspace.run(["rm"])).status,
      (await workspace.run(["rm", "--forever", "tale-1"])).status,
    ]).toEqual([2, 2, 2]);
    expect(await workspace.ls()).toHaveLength(2);
  });

  test("one that another process writes is locked, and what was named with it stays too", async ({ workspace }) => {
    await tell(workspace, "tale");
    const writer = workspace.start(["chat", "A long one", "--id", "busy", "--json"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "400" },
    });
    await writer.printed("saved", 3);
    const refused = await workspace.run(["rm", "tale", "busy", "--json"]);
    expect([refused.status, errorOf(refused).code]).toEqual([5, "LOCKED"]);
    expect((await workspace.ls()).map(({ conversationId }) => conversationId).sort()).toEqual(["busy", "tale"]);
    await writer.end("SIGINT");
  });

  test("--dry-run tells and changes nothing", async ({ workspace }) => {
    await tell(workspace, "tale");
    const before = await conversationFiles(workspace);
    const [plain, json] = [
      await workspace.run(["rm", "tale", "--dry-run"]),
      (await workspace.json(["rm", "tale", "--dry-run"])) as Removed[],
    ];
    expect(await conversationFiles(workspace)).toEqual(before);
    expect(plain.stdout.trimEnd().split("\n")).toEqual((json[0]?.removed ?? []).map((path) => `would remove ${path}`));
    expect(json).toMatchObject([{ conversationId: "tale", dryRun: true }]);
  });

  test("--purge leaves nothing, neither in the trash nor to undo", async ({ workspace }) => {
    await tell(workspace, "tale");
    await workspace.run(["rename", "tale", "The whale"]);
    expect(await workspace.json(["rm", "tale", "--purge"])).toMatchObject([{ purged: true }]);
    expect([...(await conversationFiles(workspace)).keys()]).toEqual([]);
    expect((await workspace.run(["undo"])).status).toBe(3);
  });

  test("a damaged one is removed all the same", async ({ workspace }) => {
    await tell(workspace, "tale");
    await workspace.write("state/tale.json", "{ torn");
    expect((await workspace.run(["rm", "tale"])).status).toBe(0);
    expect(await workspace.ls()).toEqual([]);
  });
});

describe("rm on a terminal", TIMEOUT, () => {
  test("asks, and only a clear yes removes", async ({ workspace }) => {
    await tell(workspace, "tale");
    for (const [answer, status, left] of [
      ["n", 1, 1],
      ["", 1, 1],
      ["y", 0, 0],
    ] as const) {
      const asked = await answered(workspace, ["rm", "tale"], answer);
      expect(asked.shown).toContain("Move tale and all backups to the trash?");
      expect([asked.status, (await workspace.ls()).length]).toEqual([status, left]);
    }
  });

  test.for([
    ["ctrl-c", 130],
    ["ctrl-d", 1],
  ] as const)("%s at the question removes nothing, and exits with %i", async ([key, status], { workspace }) => {
    await tell(workspace, "tale");
    const terminal = TerminalSession.start(workspace, ["rm", "tale"]);
    await terminal.shows("[y/N]");
    terminal.press(key);
    expect((await terminal.ended).status).toBe(status);
    expect(terminal.copied).not.toContain("error");
    expect(await workspace.ls()).toHaveLength(1);
  });

  test("says that --purge is for good, and asks before the trash is emptied", async ({ workspace }) => {
    await tell(workspace, "tale");
    expect((await answered(workspace, ["rm", "tale", "--purge"], "n")).shown).toContain("This cannot be undone.");
    await workspace.run(["rm", "tale"]);
    expect((await answered(workspace, ["undo", "--empty-trash"], "n")).status).toBe(1);
    expect((await workspace.run(["undo"])).status).toBe(0);
  });
});
