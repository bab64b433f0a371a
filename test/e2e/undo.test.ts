/** undo: the last command comes back, and the one before it, whatever it was. */
import { describe, expect } from "vitest";
import { errorOf, type Workspace } from "./cli.js";
import { conversationFiles } from "./conversation-files.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

interface Undone {
  readonly operation: string;
  readonly conversationId: string;
  readonly at: string;
  readonly undoneAt?: string | null;
  readonly canRedo?: boolean;
  readonly conversationIds: readonly string[];
  readonly restored: readonly string[];
  readonly safetyBackup: string | null;
}

async function tell(workspace: Workspace, id: string, turns = 2): Promise<void> {
  await workspace.run(["chat", "Turn 1", "--id", id]);
  for (let turn = 2; turn <= turns; turn += 1) await workspace.run(["chat", `Turn ${turn}`, "--resume", id]);
}

/** Every file but those that only a way back needs. */
async function visible(workspace: Workspace): Promise<Map<string, string>> {
  return new Map([...(await conversationFiles(workspace))].filter(([path]) => !path.includes(".draftstate")));
}

function messages(shown: { readonly messages: readonly unknown[] }): readonly unknown[] {
  return shown.messages;
}

describe("undo", TIMEOUT, () => {
  test("brings back both of what one rm took, byte for byte", async ({ workspace }) => {
    await tell(workspace, "tale");
    await tell(workspace, "other", 1);
    const before = await visible(workspace);
    await workspace.run(["rm", "tale", "other"]);
    const { status, stdout, stderr } = await workspace.run(["undo"]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^undid the rm of other, tale, (just now|\d+ s ago): 5 files back\n$/);
    expect(await visible(workspace)).toEqual(before);
    expect([...(await conversationFiles(workspace)).keys()].filter((path) => path.includes("trash"))).toEqual([
      expect.stringMatching(/_redo_other\.json$/),
      expect.stringMatching(/_redo_tale\.json$/),
    ]);
  });

  test("run again and again goes further back, with --json each time, and then finds nothing", async ({
    workspace,
  }) => {
    await tell(workspace, "tale", 3);
    const before = await workspace.show("tale");
    await workspace.run(["rename", "tale", "The", "whale"]);
    await workspace.run(["restore", "tale", "--backup", "~2", "--yes"]);
    await workspace.run(["prune", "tale", "--max", "1"]);
    await workspace.run(["rm", "tale"]);
    const undone: Undone[] = [];
    for (let count = 0; count < 4; count += 1) undone.push((await workspace.json(["undo"])) as Undone);
    expect(undone.map(({ operation }) => operation)).toEqual(["rm", "prune", "restore", "rename"]);
    expect(undone.map(({ conversationId, conversationIds }) => [conversationId, conversationIds])).toEqual(
      undone.map(() => ["tale", ["tale"]]),
    );
    expect(undone[2]?.safetyBackup).toMatch(/^\d{4}-/);
    const after = await workspace.show("tale");
    expect([messages(after), after._metadata.title]).toEqual([messages(before), before._metadata.title]);
    const nothing = await workspace.run(["undo", "--json"]);
    expect([nothing.status, errorOf(nothing).code]).toEqual([3, "NOT_FOUND"]);
  });

  test("of a repair gives the file back as it was edited, and names the backup that holds the repaired one", async ({
    workspace,
  }) => {
    await tell(workspace, "tale");
    const edited = (await workspace.read("state/tale.json")).replace("Turn 1", "Turn I");
    await workspace.write("state/tale.json", edited);
    expect((await workspace.run(["show", "tale", "--raw"])).status).not.toBe(1);
    await workspace.run(["repair", "tale", "--accept"]);
    const { stderr } = await workspace.run(["undo", "tale"]);
    expect(await workspace.read("state/tale.json")).toBe(edited);
    expect((await workspace.run(["verify"])).status).toBe(4);
    expect(stderr).toContain("it needs repair again: draftstate repair tale\n");
    const kept = /draftstate restore tale --backup (\S+)/.exec(stderr)?.[1];
    expect((await workspace.backups("tale")).map(({ timestamp }) => timestamp)).toContain(kept);
  });

  test("knows prefixes of what was removed, and @last; several that fit are wrong usage", async ({ workspace }) => {
    await tell(workspace, "tale-1", 1);
    await tell(workspace, "tale-2", 1);
    await workspace.run(["rm", "tale-1"]);
    expect((await workspace.run(["undo", "tale"])).status).toBe(0);
    await workspace.run(["rm", "tale-1", "tale-2"]);
    expect((await workspace.run(["undo", "tale"])).status).toBe(2);
    expect((await workspace.json(["undo", "tale-2"])) as Undone).toMatchObject({ conversationIds: ["tale-2"] });
    await workspace.run(["rename", "@last", "Two"]);
    expect((await workspace.json(["undo", "@last"])) as Undone).toMatchObject({
      operation: "rename",
      conversationId: "tale-2",
    });
    expect((await workspace.run(["undo", "nobody"])).status).toBe(3);
  });

  test("--list shows what can be undone, newest first, and undoes nothing; --at goes to one of it", async ({
    workspace,
  }) => {
    await tell(workspace, "tale", 1);
    for (const title of ["One", "Two", "Three"]) await workspace.run(["rename", "tale", title]);
    const list = (await workspace.json(["undo", "--list"])) as Undone[];
    expect(list.map(({ operation, conversationId }) => [operation, conversationId])).toEqual(
      Array.from({ length: 3 }, () => ["rename", "tale"]),
    );
    const { stdout } = await workspace.run(["undo", "--list", "tale"]);
    expect(stdout.split("\n").map((line) => line.split(/\s+/)[0])).toEqual([
      "OPERATION",
      "rename",
      "rename",
      "rename",
      "",
    ]);
    await workspace.json(["undo", "--at", list[1]?.at ?? ""]);
    expect((await workspace.show("tale"))._metadata.title).toBe("One");
    const left = (await workspace.json(["undo", "--list"])) as Undone[];
    expect(left.map(({ at, undoneAt }) => [at, undoneAt === null])).toEqual([
      [list[0]?.at, true],
      [list[2]?.at, true],
      [list[1]?.at, false],
    ]);
  });

  test("is reverted by redo, told by --list until something else came, then refused in a line", async ({
    workspace,
  }) => {
    await tell(workspace, "tale", 1);
    await workspace.run(["rename", "tale", "One"]);
    await workspace.run(["undo"]);
    expect((await workspace.run(["undo", "--list"])).stdout).toMatch(
      /^UNDONE +ID +SINCE +REDO\nrename +tale .+possible\n$/,
    );
    const redone = await workspace.run(["redo"]);
    expect([redone.status, redone.stderr]).toEqual([
      0,
      expect.stringMatching(/^redid the rename of tale, .+\nundo it with: draftstate undo\n$/),
    ]);
    expect((await workspace.show("tale"))._metadata.title).toBe("One");
    await workspace.run(["undo"]);
    await workspace.run(["chat", "And then?", "--resume", "tale"]);
    expect(((await workspace.json(["undo", "--list"])) as Undone[]).map(({ canRedo }) => canRedo)).toEqual([false]);
    const refused = await workspace.run(["redo", "ta"]);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: tale was changed since .+\n$/),
    ]);
    await workspace.run(["rename", "tale", "Two"]);
    expect((await workspace.run(["redo"])).status).toBe(3);
  });

  test("says which titles, backups and counts it takes back, also in the list", async ({ workspace }) => {
    await tell(workspace, "tale", 3);
    await workspace.run(["rename", "tale", "My fox"]);
    const renamed = (await workspace.run(["undo", "--list"])).stdout;
    const unnamed = (await workspace.run(["undo"])).stderr;
    expect([renamed, unnamed]).toEqual([
      expect.stringContaining('"My fox" → "Turn 1"'),
      expect.stringMatching(/^undid the rename of tale, .+: "My fox" → "Turn 1"\n$/),
    ]);
    const [, , oldest] = await workspace.backups("tale");
    await workspace.run(["restore", "tale", "--backup", "~2", "--yes"]);
    expect((await workspace.run(["undo", "--list"])).stdout).toMatch(/back to 6 messages at revision \d+/);
    expect((await workspace.run(["undo"])).stderr).toContain(
      `: from backup ${oldest?.timestamp ?? "?"} back to 6 messages at revision`,
    );
    await workspace.run(["prune", "tale", "--max", "1"]);
    expect((await workspace.run(["undo"])).stderr).toMatch(/^undid the prune of tale, .+: \d backups back\n$/);
  });

  test("of a restore, after more was said, says so in a pipe and asks on a terminal; --yes does not", async ({
    workspace,
  }) => {
    await tell(workspace, "tale", 2);
    const goBackAndSayMore = async (): Promise<void> => {
      const oldest = (await workspace.backups("tale")).at(-1);
      await workspace.run(["restore", "tale", "--backup", oldest?.timestamp ?? "", "--yes"]);
      await workspace.run(["chat", "More", "--resume", "tale"]);
    };
    await goBackAndSayMore();
    const asked = TerminalSession.start(workspace, ["undo", "tale"], { columns: 160 });
    await asked.shows("[y/N]");
    expect(asked.screen).toContain("tale was changed since the restore of");
    asked.press("enter");
    expect((await asked.ended).status).toBe(1);
    const yes = TerminalSession.start(workspace, ["undo", "tale", "--yes"], { columns: 160 });
    expect([(await yes.ended).status, yes.screen.includes("[y/N]")]).toEqual([0, false]);
    await goBackAndSayMore();
    const piped = await workspace.run(["undo", "tale"]);
    expect([piped.status, piped.stderr]).toEqual([0, expect.stringContaining("tale was changed since the restore of")]);
  });

  test("--empty-trash of an empty trash says so, and asks nothing", async ({ workspace }) => {
    await tell(workspace, "tale", 1);
    const terminal = TerminalSession.start(workspace, ["undo", "--empty-trash"]);
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.screen).toBe("the trash is empty");
  });

  test("of an id that was used again moves nothing, and says what to do", async ({ workspace }) => {
    await tell(workspace, "tale");
    await workspace.run(["rm", "tale"]);
    await tell(workspace, "tale", 1);
    const before = await conversationFiles(workspace);
    const refused = await workspace.run(["undo", "tale"]);
    expect([refused.status, refused.stderr]).toEqual([7, expect.stringContaining("draftstate rm")]);
    expect(await conversationFiles(workspace)).toEqual(before);
  });

  test("of one that another process writes is locked", async ({ workspace }) => {
    await tell(workspace, "tale", 1);
    await workspace.run(["rename", "tale", "One"]);
    const writer = workspace.start(["chat", "A long one", "--resume", "tale", "--json"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "400" },
    });
    await writer.printed("saved", 3);
    expect((await workspace.run(["undo"])).status).toBe(5);
    await writer.end("SIGINT");
    expect((await workspace.run(["undo"])).status).toBe(0);
  });

  test("two at once take back one rm once, and nobody is told a lie", async ({ workspace }) => {
    await tell(workspace, "tale", 1);
    const before = await visible(workspace);
    await workspace.run(["rm", "tale"]);
    const outcomes = await Promise.all([workspace.run(["undo"]), workspace.run(["undo"])]);
    expect(outcomes.filter(({ status }) => status === 0)).toHaveLength(1);
    expect(outcomes.map(({ status }) => status).every((status) => [0, 3, 5].includes(status ?? -1))).toBe(true);
    expect(await visible(workspace)).toEqual(before);
  });

  test("--empty-trash says how much it freed; nothing can be undone then", async ({ workspace }) => {
    await tell(workspace, "tale", 1);
    await workspace.run(["rm", "tale"]);
    const { bytesFreed } = (await workspace.json(["undo", "--empty-trash"])) as { bytesFreed: number };
    expect(bytesFreed).toBeGreaterThan(1000);
    expect([...(await conversationFiles(workspace)).keys()]).toEqual([]);
    expect((await workspace.run(["undo"])).status).toBe(3);
    expect((await workspace.run(["undo", "--list"])).stderr).toBe("there is nothing to undo\n");
  });

  test("two things at once are wrong usage", async ({ workspace }) => {
    await workspace.write("state/keep", "");
    for (const args of [
      ["--empty-trash", "tale"],
      ["--empty-trash", "--list"],
      ["--list", "--at", "2026"],
      ["tale", "other"],
    ])
      expect([args, (await workspace.run(["undo", ...args])).status]).toEqual([args, 2]);
  });

  test("a damaged record is a warning, and hides no other", async ({ workspace }) => {
    await tell(workspace, "tale", 1);
    await workspace.run(["rename", "tale", "One"]);
    await workspace.write(
      "state/.draftstate/trash/2031-01-14T21-30-00-000Z-abcd_operation_tale.json",
      "\u001b[2J torn",
    );
    const { status, stderr } = await workspace.run(["undo"]);
    expect([status, stderr.match(/^warning: /gm)?.length, stderr.includes("\u001b")]).toEqual([0, 1, false]);
  });
});
