/** Threads of LangGraph graphs in the commands: found by their ids, read as conversations, changed, undone, and refused where they are no conversation. */
import { join } from "node:path";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { DraftstateStore } from "../../../src/langgraph/index.js";
import { createDraftStatePersistenceManager } from "../../../src/create-manager.js";
import { encodeStream, encodeToken } from "../../../src/checkpoints/token-record.js";
import { encodeLineOf } from "../../../src/journal/framing.js";
import { threadName } from "../../../src/store/names.js";
import { SCHEMAS } from "../../../src/cli/schemas/index.js";
import type { Result, Workspace } from "../../e2e/cli.js";
import { json, message, putRequest } from "../../doubles/threads.js";
import { test } from "../world.js";

const ID = (step: number): string => `1f1eb798-f${step}6c-63c0-8000-30592acdd111`;
const MESSAGES = [message("Human", "Tell me of bees"), message("AI", "Bees dance"), message("Human", "And wasps?")];

async function seed({ directory }: Workspace, threadId: string): Promise<void> {
  const manager = createDraftStatePersistenceManager({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    telemetry: false,
  });
  const thread = manager.threads.get(threadId);
  for (const step of [1, 2, 3])
    await thread.put({
      ...putRequest(ID(step), {
        step,
        values: { messages: MESSAGES.slice(0, step), mood: step < 3 ? "calm" : "curious" },
        parent: step === 1 ? undefined : ID(step - 1),
      }),
      state: json({ v: 4, ts: "", versions_seen: { agent: { messages: step } } }),
    });
  await manager.close();
}

async function seedConversation({ directory }: Workspace, id: string): Promise<void> {
  const manager = createDraftStatePersistenceManager({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    telemetry: false,
  });
  await manager.saveState(id, { messages: [{ id: "1", role: "user", content: "Hello" }] });
  await manager.close();
}

/** An answer whose process died. */
async function cutOff({ directory }: Workspace, threadId: string): Promise<void> {
  const manager = createDraftStatePersistenceManager({ stateDir: join(directory, "state"), telemetry: false });
  const origin = { run: "r", ns: "", node: "agent", tasks: ["t"], message: "m" };
  const stream = { kind: "stream", number: 90, at: 1, ...origin } as const;
  const token = { kind: "token", stream: 90, at: 2, text: "Wasps build", calls: [] } as const;
  await manager.threads.get(threadId).append(() =>
    Promise.resolve([
      { record: stream, bytes: encodeStream(stream) },
      { record: token, bytes: encodeToken(token) },
    ]),
  );
  await manager.close();
}

function expectToFit(name: keyof typeof SCHEMAS, { stdout }: Result): void {
  const value: unknown = JSON.parse(stdout);
  expect(SCHEMAS[name].parse(value)).toEqual(value);
}

const rows = (text: string): unknown[] => JSON.parse(text) as unknown[];

describe("a thread is found and read", () => {
  test("ls lists it with conversations, and by its kind", async ({ workspace }) => {
    await seedConversation(workspace, "talk");
    await seed(workspace, "My thread");
    const all = await workspace.run(["ls"]);
    expect(all.stdout).toContain("KIND");
    expect(all.stdout).toMatch(/My thread +thread +Tell me of bees/);
    expect(all.stdout).toMatch(/talk +conversation/);
    expect(rows((await workspace.run(["ls", "--kind", "thread", "--json"])).stdout)).toMatchObject([
      { kind: "thread", conversationId: "My thread", status: "complete", messageCount: 3, backupCount: 3 },
    ]);
    expect((await workspace.run(["ls", "--kind", "conversation"])).stdout).not.toContain("KIND");
  });

  test("show prints its messages, of a checkpoint those of then, and a partial answer", async ({ workspace }) => {
    await seed(workspace, "My thread");
    await cutOff(workspace, "My thread");
    const shown = await workspace.run(["show", "My thr"]);
    expect(shown.stdout).toMatch(/user\nTell me of bees[^]*assistant\nBees dance[^]*interrupted\nWasps build/);
    const before = await workspace.run(["show", "My thread", "--checkpoint", "@2"]);
    expect(before.stdout).toContain("Tell me of bees");
    expect(before.stdout).not.toMatch(/dance|Wasps/);
    const data = JSON.parse((await workspace.run(["show", "My thread", "--json"])).stdout) as object;
    expect(data).toMatchObject({
      kind: "thread",
      checkpoint: { id: ID(3), step: 3, source: "loop" },
      values: { mood: "curious" },
      partials: [{ text: "Wasps build", node: "agent" }],
    });
    const inspected = await workspace.run(["show", "My thread", "--inspect"]);
    expect(inspected.stdout).toMatch(/health +ok/);
    expect(inspected.status).toBe(0);
  });

  test("backups lists its checkpoints, and diff compares them", async ({ workspace }) => {
    await seed(workspace, "t");
    const { stdout } = await workspace.run(["backups", "t"]);
    expect(stdout).toMatch(new RegExp(`@0 +${ID(3)} .* 3 +loop +agent +mood, \\+1 message: And wasps\\?`));
    const diff = await workspace.run(["diff", "t", "@2", "@1", "--json"]);
    expect(JSON.parse(diff.stdout)).toMatchObject([{ op: "add", path: "/messages/1" }]);
    expect((await workspace.run(["diff", "t"])).stdout).toContain("also changed: mood");
  });

  test("search, export and stats take it", async ({ workspace }) => {
    await seed(workspace, "My thread");
    expect((await workspace.run(["search", "wasps"])).stdout).toContain("My thread:3:user: And wasps?");
    expect((await workspace.run(["export", "My thread"])).stdout).toContain("Bees dance");
    expect((await workspace.run(["stats", "My thread", "--json"])).stdout).toContain('"checkpoints": 3');
    expectToFit("search", await workspace.run(["search", "wasps", "--json"]));
    expectToFit("export", await workspace.run(["export", "My thread", "--json"]));
    expectToFit("stats-thread", await workspace.run(["stats", "My thread", "--json"]));
    const { stdout } = await workspace.run(["stats"]);
    expect(stdout).toMatch(/threads +1 of LangGraph graphs, [\d.]+ KiB/);
    expect(stdout).not.toContain("long-term memory");
  });

  test("stats tells what a LangGraph store takes", async ({ workspace }) => {
    const store = new DraftstateStore({ stateDir: join(workspace.directory, "state"), telemetry: false });
    await store.put(["memories", "ann"], "likes", { food: "ramen" });
    await store.close();
    const { stdout } = await workspace.run(["stats"]);
    expect(stdout).toMatch(/long-term memory +1 namespace of a LangGraph store, \d+ B/);
    expect(stdout).toMatch(/conversations +0, 0 B;/);
    expect(stdout).not.toContain("of LangGraph graphs");
  });

  test("its end names it too, and @last is the newest of conversations and threads", async ({ workspace }) => {
    await seedConversation(workspace, "tale");
    await seed(workspace, "My thread");
    const shown = async (id: string): Promise<unknown> =>
      ((await workspace.json(["show", id])) as Record<string, unknown>)["kind"] ?? "conversation";
    const [first, second] = await workspace.ls();
    expect([first?.conversationId, second?.conversationId].sort()).toEqual(["My thread", "tale"]);
    expect(await shown("read")).toBe("thread");
    expect(await shown("@last")).toBe(first?.conversationId === "tale" ? "conversation" : "thread");
    expect(await shown("@1")).toBe(second?.conversationId === "tale" ? "conversation" : "thread");
  });

  test("copy takes it, and says so", async ({ workspace }) => {
    await seedConversation(workspace, "tale");
    await seed(workspace, "My thread");
    const copied = await workspace.run(["copy", "--from", ".", "--to", "there"]);
    expect([copied.status, copied.stderr]).toEqual([0, expect.stringContaining("1 conversation, 1 thread copied")]);
    const again = await workspace.run(["copy", "--from", ".", "--to", "there", "My thread", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({
      copied: [{ kind: "thread", conversationId: "My thread", outcome: "identical" }],
    });
  });

  test("a damaged namespace of a store is told by verify and health, and repaired", async ({ workspace }) => {
    const { directory } = workspace;
    const [stateDir, backupDir] = [join(directory, "state"), join(directory, "backup")];
    const store = new DraftstateStore({ stateDir, backupDir, telemetry: false });
    await store.put(["memories", "ann"], "likes", { food: "ramen" });
    await store.put(["memories", "ann"], "hates", { food: "soup" });
    await store.close();
    const file = join(stateDir, "memories.ann.changes");
    await writeFile(file, (await readFile(file, "utf8")).replace("ramen", "bread"));
    const told = await workspace.run(["verify", "--json"]);
    expect([told.status, JSON.parse(told.stdout)]).toMatchObject([
      4,
      { problems: [{ conversationId: "memories.ann", kind: "items-damaged", repairable: true }] },
    ]);
    const repaired = await workspace.run(["repair", "namespace:memories.ann", "--json"]);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ repaired: true, kept: 1, lostLines: 1 });
    expectToFit("repair-namespace", repaired);
    expect((await workspace.run(["verify"])).status).toBe(0);
    expect((await workspace.run(["repair", "namespace:nobody"])).status).toBe(3);
  });

  test("one id of a conversation and a thread has to be told apart", async ({ workspace }) => {
    await seedConversation(workspace, "same");
    await seed(workspace, "same");
    expect(await workspace.run(["show", "same"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("thread:same") as string,
    });
    expect((await workspace.run(["show", "thread:same"])).stdout).toContain("Bees dance");
    expect((await workspace.run(["show", "conversation:same"])).stdout).toContain("Hello");
  });

  test("what is only for conversations says what to use", async ({ workspace }) => {
    await seed(workspace, "My thread");
    for (const words of [
      ["chat", "--resume", "My thread", "x"],
      ["rename", "My thread", "x"],
      ["fork", "My thread"],
    ]) {
      const { status, stderr } = await workspace.run(words);
      expect([words[0], status]).toEqual([words[0], 2]);
      expect(stderr).toContain('thread_id: "My thread"');
    }
    expect(await workspace.run(["show", "nothing"])).toMatchObject({ status: 3 });
  });
});

describe("a thread is changed", () => {
  test("rm and prune take away what undo brings back", async ({ workspace }) => {
    await seed(workspace, "My thread");
    const pruned = await workspace.run(["prune", "My thread", "--max", "1"]);
    expect(pruned.stdout.trim().split("\n")).toEqual([ID(2), ID(1)].map((id) => `removed "My thread" ${id}`));
    expect(pruned.stderr).toContain('undo it with: draftstate undo "My thread"');
    expect(await workspace.run(["prune", "My thread"])).toMatchObject({ status: 2 });
    expect((await workspace.run(["rm", "My thread"])).stderr).toContain('removed "My thread": 1 file');
    expect((await workspace.run(["ls", "--json"])).stdout.trim()).toBe("[]");
    const listed = await workspace.run(["undo", "--list"]);
    expect(listed.stdout).toMatch(/rm +My thread +thread/);
    expect((await workspace.run(["undo", "My thread"])).stderr).toContain('undid the rm of "My thread"');
    expect((await workspace.run(["undo"])).stderr).toContain('undid the prune of "My thread"');
    expect(rows((await workspace.run(["backups", "My thread", "--json"])).stdout)).toHaveLength(3);
    expect(await workspace.run(["undo"])).toMatchObject({ status: 3 });
  });

  test("prune --kind thread is for all of them, and one undo takes it back", async ({ workspace }) => {
    await seed(workspace, "one");
    await seed(workspace, "two");
    expect((await workspace.run(["prune", "--max", "1"])).stderr).toContain("0 backups");
    await workspace.run(["prune", "--kind", "thread", "--max", "1"]);
    expect((await workspace.run(["undo"])).stderr).toContain("undid the prune of one, two");
    expect(rows((await workspace.run(["backups", "two", "--json"])).stdout)).toHaveLength(3);
  });

  test("restore makes a checkpoint the newest again, and takes nothing away", async ({ workspace }) => {
    await seed(workspace, "t");
    const { stderr } = await workspace.run(["restore", "t", "--backup", "@1"]);
    expect(stderr).toContain(`undo it with: draftstate restore t --backup ${ID(3)}`);
    const listed = rows((await workspace.run(["backups", "t", "--json"])).stdout);
    expect(listed).toMatchObject([{ source: "fork", step: 3, parent: ID(1), messageCount: 2 }, {}, {}, {}]);
    expect((await workspace.run(["show", "t"])).stdout).not.toContain("wasps");
    await workspace.run(["restore", "t", "--backup", ID(3)]);
    expect((await workspace.run(["show", "t"])).stdout).toContain("wasps");
  });

  test("damaged, it is told, repaired, and the repair undone", async ({ workspace }) => {
    await seed(workspace, "My thread");
    await seedConversation(workspace, "talk");
    const file = join(workspace.directory, "state", `${threadName("My thread")}.000001.thread`);
    // Later than its writer was done with it: a list looks into a file whose time is not the one that its end tells.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await writeFile(file, (await readFile(file, "utf8")).replace(`"checkpoint":"${ID(2)}"`, `"checkpoint":"${ID(4)}"`));
    expect(await workspace.run(["verify"])).toMatchObject({
      status: 4,
      stdout: expect.stringContaining("thread-damaged") as string,
    });
    expect(await workspace.run(["show", "My thread"])).toMatchObject({ status: 4 });
    expect(await workspace.run(["health"])).toMatchObject({ status: 4 });
    expect((await workspace.run(["ls"])).stdout).toMatch(/My thread +thread +cannot be read +corrupt/);
    expect((await workspace.run(["search", "Hello", "-l"])).stdout).toBe("talk\n");
    expect((await workspace.run(["repair", "My thread"])).stderr).toContain('repaired "My thread": 2 checkpoints kept');
    expect(await workspace.run(["verify"])).toMatchObject({ status: 0 });
    await workspace.run(["undo", "My thread"]);
    expect(await workspace.run(["verify", "My thread"])).toMatchObject({ status: 4 });
  });

  test("of a newer version, it is refused by every command that reads or rewrites it", async ({ workspace }) => {
    await seed(workspace, "t");
    const file = join(workspace.directory, "state", "t.000001.thread");
    await writeFile(file, (await readFile(file, "utf8")) + encodeLineOf(['"future":1']).toString());
    const before = await readFile(file, "utf8");
    for (const words of [
      "show t",
      "backups t",
      "diff t",
      "restore t --backup @1",
      "prune t --max 1",
      "repair t",
      "export t",
      "stats t",
    ]) {
      const { stdout } = await workspace.run([...words.split(" "), "--json"]);
      expect([words, JSON.parse(stdout)]).toMatchObject([words, { error: { code: "NEWER_VERSION" } }]);
    }
    expect((await workspace.run(["ls"])).stdout).toContain("made by a newer version");
    expect((await workspace.run(["verify"])).stdout).toContain("thread-newer");
    expect(await readFile(file, "utf8")).toBe(before);
  });
});

test("what is printed with --json fits its schema", async ({ workspace }) => {
  await seed(workspace, "My thread");
  await cutOff(workspace, "My thread");
  const printed = (...words: string[]): Promise<Result> => workspace.run([...words, "My thread", "--json"]);
  expectToFit("ls", await workspace.run(["ls", "--json"]));
  expectToFit("show-thread", await printed("show"));
  expectToFit("inspect-thread", await printed("show", "--inspect"));
  expectToFit("checkpoints", await printed("backups"));
  expectToFit("restore-thread", await printed("restore", "--dry-run", "--backup", "@1"));
  expectToFit("restore-thread", await printed("restore", "--backup", "@1"));
  expectToFit("prune-threads", await printed("prune", "--max", "1"));
  expectToFit("operations", await workspace.run(["undo", "--list", "--json"]));
  expectToFit("undo", await printed("undo"));
  expectToFit("repair-thread", await printed("repair"));
  expectToFit("verify", await printed("verify"));
  expectToFit("rm", await printed("rm"));
});

test("ids and checkpoints of threads are completed where the command takes them", async ({ workspace }) => {
  await seed(workspace, "tale-thread");
  const completed = async (...words: string[]): Promise<string> =>
    (await workspace.run(["__complete", "--", ...words])).stdout;
  expect(await completed("show", "tal")).toContain("tale-thread");
  expect(await completed("rename", "tal")).not.toContain("tale-thread");
  expect(await completed("show", "tale-thread", "--checkpoint", "")).toContain(ID(3));
  expect(await completed("restore", "tale-thread", "--backup", "")).toContain(ID(1));
});
