/** Looking at what there is where it is narrow, damaged or already over: the tables and `watch` stay of use. */
import { describe, expect } from "vitest";
import { until, type Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

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
  await workspace.write("state/edited.json", (await workspace.read("state/edited.json")).replace("About edited", "About changes"));
  await workspace.write("state/torn.json", "{ torn");
  for (const { path } of await workspace.backups("torn")) await workspace.write(path, "{ torn");
}

describe.concurrent("watch --until-complete", TIMEOUT, () => {
  test("of an answer that is complete already ends at once, and says so", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once upon a time." }]);
    const { status, stdout, stderr } = await workspace.run(["watch", "tale", "--until-complete"]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("the answer is complete already");
  });

  test("of one that was cut off ends at once with 1", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once upon", status: "interrupted" }]);
    const { status, stderr } = await workspace.run(["watch", "tale", "--until-complete"]);
    expect([status, stderr.includes("interrupted already")]).toEqual([1, true]);
  });

  test("of one that cannot be read ends with 4", async ({ workspace }) => {
    await damage(workspace);
    const { status, stderr } = await workspace.run(["watch", "torn", "--until-complete"]);
    expect([status, stderr.includes("no valid file")]).toEqual([4, true]);
  });

  test("left out: what is complete is followed all the same", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once upon a time." }]);
    const watcher = workspace.start(["watch", "tale"]);
    await until(() => (watcher.stderr.includes("tale is complete") ? true : undefined), () => watcher.stderr);
    await workspace.run(["chat", "More", "--resume", "tale"]);
    await until(() => (watcher.stderr.match(/is complete/g)?.length === 2 ? true : undefined), () => watcher.stderr);
    expect((await watcher.end("SIGINT")).stdout).not.toBe("");
  });
});

describe.concurrent("tables on a narrow terminal", TIMEOUT, () => {
  test("ls keeps id, title, status and age, each wide enough to be read", async ({ workspace }) => {
    await seed(workspace, "short", [{ prompt: LONG_TITLE, answer: "Once." }]);
    const [titles, row] = (await screenOf(workspace, ["ls"], 40)).split("\n");
    expect(titles).toMatch(/^ID +TITLE +STATUS +AGE$/);
    expect(row).toMatch(/^short {2}Another st.*… {2}complete {2}\S/);
  });

  test("ls cuts an id only after the title gave way, and in the middle, since ids differ at their ends", async ({ workspace }) => {
    await seed(workspace, LONG_ID, [{ prompt: LONG_TITLE, answer: "Once." }]);
    const [, narrow = ""] = (await screenOf(workspace, ["ls"], 40)).split("\n");
    expect(narrow).toMatch(/^dr\S*…\S*2243 {2}Anoth\S*.*… {2}complete/);
    const [, wider] = (await screenOf(workspace, ["ls"], 60)).split("\n");
    expect(wider).toMatch(new RegExp(`^${LONG_ID} {2}Another.*… {2}complete {2}\\S`));
  });

  test.for([80, 100])("ls at %i columns has room for the counts", async (columns, { workspace }) => {
    await seed(workspace, LONG_ID, [{ prompt: LONG_TITLE, answer: "Once." }]);
    const [titles] = (await screenOf(workspace, ["ls"], columns)).split("\n");
    expect(titles).toMatch(columns === 80 ? /^ID +TITLE +STATUS +MSGS +UPDATED$/ : /^ID +TITLE +STATUS +MSGS +TOKENS +UPDATED +BACKUPS$/);
  });

  test("backups keeps its label, the age and what changed", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: LONG_TITLE, answer: "Once." }, { prompt: "More of it", answer: "Upon." }]);
    const [titles, newest, older] = (await screenOf(workspace, ["backups", "tale"], 40)).split("\n");
    expect(titles).toMatch(/^ +AGE +CHANGED$/);
    expect(newest).toMatch(/^~0 {2}\S.* {2}\+2 messages: /);
    expect(older).toMatch(/^~1 {2}\S.* {2}\+2 messages: /);
  });

  test("backups at 100 columns shows all of it", async ({ workspace }) => {
    await seed(workspace, "tale", [{ prompt: LONG_TITLE, answer: "Once." }]);
    expect(await screenOf(workspace, ["backups", "tale"], 100)).toMatch(/^ +TIMESTAMP +AGE +REVISION +MSGS +REASON +CHANGED +SIZE\n/);
  });
});

describe.concurrent("ls with damaged conversations", TIMEOUT, () => {
  test("has a word for each in its row, and one line of advice after the table", async ({ workspace }) => {
    await damage(workspace);
    const { status, stdout, stderr } = await workspace.run(["ls"]);
    expect(stdout).toMatch(/^edited {2}edited by hand {2}corrupt/m);
    expect(stdout).toMatch(/^torn {4}damaged {9}corrupt/m);
    expect([status, stderr]).toEqual([0, "2 conversations are damaged: draftstate verify says more\n"]);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThan(100);
  });

  test("with --json keeps the whole error", async ({ workspace }) => {
    await damage(workspace);
    const rows = (await workspace.json(["ls"])) as { conversationId: string; title: string; error?: { message: string } }[];
    const message = (id: string): string | undefined => rows.find(({ conversationId }) => conversationId === id)?.error?.message;
    expect([message("edited"), message("torn"), message("good")]).toEqual([expect.stringContaining("repair edited --accept"), expect.stringContaining("no valid file left"), undefined]);
  });
});
