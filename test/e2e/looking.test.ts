/** Looking at what there is where it is narrow or damaged: the tables stay of use. */
import { utimes } from "node:fs/promises";
import { describe, expect } from "vitest";
import type { Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

const LONG_ID = "draft_chat_1795528062243";
const LONG_TITLE = "Another story about the sea, with a lighthouse";

async function screenOf(workspace: Workspace, args: readonly string[], columns: number): Promise<string> {
  const terminal = TerminalSession.start(workspace, args, { columns });
  await terminal.ended;
  return terminal.scrollback;
}

/** One whose snapshot no longer fits its checksum, and one that has no valid file at all. */
async function damage(workspace: Workspace): Promise<void> {
  for (const id of ["good", "edited", "torn"]) await seed(workspace, id, [{ prompt: `About ${id}`, answer: "Once." }]);
  await workspace.write(
    "state/edited.json",
    (await workspace.read("state/edited.json")).replace("About edited", "About changes"),
  );
  const later = new Date(Date.now() + 5000);
  await utimes(workspace.path("state/edited.json"), later, later);
  await workspace.write("state/torn.json", "{ torn");
  for (const { path } of await workspace.backups("torn")) await workspace.write(path, "{ torn");
}

describe.concurrent("tables on a narrow terminal", TIMEOUT, () => {
  test.for([
    [40, /^ID +TITLE$/],
    [60, /^ID +TITLE +STATUS$/],
    [80, /^ID +TITLE +STATUS +MSGS +UPDATED$/],
    [120, /^ID +TITLE +STATUS +MSGS +TOKENS +UPDATED +SIZE +BACKUPS$/],
  ] as const)(
    "ls at %i columns shows what has room, cuts nothing but the title, and names what it leaves out",
    async ([columns, expected], { workspace }) => {
      await seed(workspace, LONG_ID, [{ prompt: LONG_TITLE, answer: "Once." }]);
      const screen = await screenOf(workspace, ["ls"], columns);
      const [titles = "", row] = screen.split("\n");
      const leftOut = ["STATUS", "MSGS", "UPDATED", "TOKENS", "SIZE", "BACKUPS"].filter(
        (title) => !titles.includes(title),
      );
      for (const title of leftOut) expect(screen).toMatch(new RegExp(`no room for [^]*\\b${title}\\b[^]*--json`));
      expect(screen.includes("no room for")).toBe(leftOut.length > 0);
      expect(titles).toMatch(expected);
      expect(row).toMatch(new RegExp(`^${LONG_ID} {2}Another`));
    },
  );

  test("backups keeps its label, the age and what changed", async ({ workspace }) => {
    await seed(workspace, "tale", [
      { prompt: LONG_TITLE, answer: "Once." },
      { prompt: "More of it", answer: "Upon." },
    ]);
    const [titles, newest, older] = (await screenOf(workspace, ["backups", "tale"], 40)).split("\n");
    expect(titles).toMatch(/^ +AGE +REASON +CHANGED$/);
    expect(newest).toMatch(/^@0 {2}\S.* {2}turn {4}\+2 mess/);
    expect(older).toMatch(/^@1 {2}\S.* {2}turn {4}\+2 mess/);
  });

  test("backups at 100 columns shows all of it", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: LONG_TITLE, answer: "Once." }]);
    expect(await screenOf(workspace, ["backups", "tale"], 100)).toMatch(
      /^ +TIMESTAMP +AGE +REVISION +MSGS +REASON +CHANGED +SIZE\n/,
    );
  });
});

describe.concurrent("ls with damaged conversations", TIMEOUT, () => {
  test("has a word for each in its row, and a warning that says what to do", async ({ workspace }) => {
    await damage(workspace);
    const { status, stdout, stderr } = await workspace.run(["ls"]);
    expect(stdout).toMatch(/^edited {2}About edited {2,}corrupt/m);
    expect(stdout).toMatch(/^torn {4}cannot be read {2,}corrupt/m);
    expect([status, stderr.match(/^warning: (?:edited|torn): /gm)?.length]).toEqual([0, 2]);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThan(100);
  });

  test("with --json keeps the whole error", async ({ workspace }) => {
    await damage(workspace);
    const rows = (await workspace.json(["ls"])) as {
      conversationId: string;
      title: string;
      error?: { message: string };
    }[];
    const message = (id: string): string | undefined =>
      rows.find(({ conversationId }) => conversationId === id)?.error?.message;
    expect([message("edited"), message("torn"), message("good")]).toEqual([
      expect.stringContaining("repair edited --accept"),
      expect.stringContaining("no valid file left"),
      undefined,
    ]);
  });
});
