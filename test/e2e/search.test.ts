/** `search` by the built CLI: lines with their place, every filter, damage named, and no conversation missed for the look at its bytes. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect } from "vitest";
import type { Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

interface FoundJson {
  readonly conversationId: string;
  readonly title: string;
  readonly matches: readonly {
    readonly messageIndex: number;
    readonly messageId: string | null;
    readonly role: string;
    readonly line: number;
    readonly text: string;
    readonly backup?: string;
  }[];
}

async function conversation(
  workspace: Workspace,
  id: string,
  messages: readonly object[],
  more: object = {},
): Promise<void> {
  const result = await workspace.run(["import", "-", "--id", id], { stdin: JSON.stringify({ messages, ...more }) });
  if (result.status !== 0) throw new Error(result.stderr);
}

async function found(workspace: Workspace, ...args: readonly string[]): Promise<FoundJson[]> {
  return (await workspace.json(["search", ...args])) as FoundJson[];
}

const said = (role: string, content: string): object => ({ role, content });

describe.concurrent("search", TIMEOUT, () => {
  test("finds conversations with message, role and line; smart case; filters", async ({ workspace }) => {
    await conversation(workspace, "tea", [said("user", "first\nGreen tea please"), said("assistant", "Here is TEA")]);
    await conversation(workspace, "coffee", [said("user", "coffee")]);
    expect(await found(workspace, "tea")).toMatchObject([
      {
        conversationId: "tea",
        title: "first",
        matches: [
          { messageIndex: 0, messageId: "m1", role: "user", line: 2, column: 7, text: "Green tea please" },
          { messageIndex: 1, role: "assistant", line: 1 },
        ],
      },
    ]);
    expect((await found(workspace, "TEA"))[0]?.matches).toHaveLength(1);
    expect((await found(workspace, "TEA", "--ignore-case"))[0]?.matches).toHaveLength(2);
    expect((await found(workspace, "tea", "--case-sensitive"))[0]?.matches).toHaveLength(1);
    expect(
      (await found(workspace, "tea", "--role", "assistant"))[0]?.matches.map(({ messageIndex }) => messageIndex),
    ).toEqual([1]);
    expect((await found(workspace, "--regex", "^co[f]+ee$")).map(({ conversationId }) => conversationId)).toEqual([
      "coffee",
    ]);
    expect([
      await found(workspace, "tea", "--status", "interrupted"),
      (await found(workspace, "e", "--limit", "1")).length,
      (await found(workspace, "tea", "--since", "1h")).length,
    ]).toEqual([[], 1, 1]);
  });

  test("in a pipe prints a line for each hit, -l the ids alone; finding nothing is no error", async ({ workspace }) => {
    await conversation(workspace, "tea", [said("user", `${"x".repeat(5000)} tea ${"y".repeat(5000)}`)]);
    const [lines, ids, none] = [
      await workspace.run(["search", "tea"]),
      await workspace.run(["search", "-l", "tea"]),
      await workspace.run(["search", "milk"]),
    ];
    expect(lines.stdout).toMatch(/^tea:1:user: …x+ tea y+…\n$/);
    expect(lines.stdout.length).toBeLessThan(300);
    expect(ids.stdout).toBe("tea\n");
    expect([none.status, none.stdout, none.stderr.includes("not found")]).toEqual([0, "", true]);
  });

  test("colours the hit where it may, and shows hostile text as text", async ({ workspace }) => {
    await conversation(workspace, "tea", [said("user", "\u001b]0;x\u0007 tea \u202e")]);
    const plain = await workspace.run(["search", "tea"]);
    expect(plain.stdout).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
    expect((await workspace.run(["search", "tea"], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[31m");
  });

  test("finds what only backups still hold, once", async ({ workspace }) => {
    await workspace.run(["chat", "about walnuts", "--id", "tale"]);
    await workspace.run(["chat", "about pecans", "--resume", "tale"]);
    const [, older] = await workspace.backups("tale");
    await workspace.run(["restore", "tale", "--backup", older?.timestamp ?? "", "--yes"]);
    expect(await found(workspace, "about pecans", "--role", "user")).toEqual([]);
    const [only] = await found(workspace, "about pecans", "--role", "user", "--backups");
    expect(only?.matches).toMatchObject([{ text: "about pecans", backup: expect.stringMatching(/^\d{4}-/) as string }]);
  });

  test("names a damaged file, and finds the rest all the same", async ({ workspace }) => {
    await conversation(workspace, "good", [said("user", "tea")]);
    await workspace.write("state/bad.json", '{"messages": [{"role": "user", "content": "tea');
    const result = await workspace.run(["search", "tea"]);
    expect([result.status, result.stdout, result.stderr.includes("bad")]).toEqual([0, "good:1:user: tea\n", true]);
  });

  test("finds the answer that is being told, and one whose writer was killed", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.begin();
      for (const token of ["a light", "house ", "keeper"]) answer.text(token);
    });
    const chat = workspace.start(["chat", "Hi", "--id", "tale", "--base-url", server.url, "--json"]);
    await chat.printed("token", 3);
    expect((await found(workspace, "lighthouse"))[0]?.matches).toMatchObject([
      { messageIndex: 1, messageId: null, role: "assistant" },
    ]);
    await chat.end("SIGKILL");
    expect((await found(workspace, "lighthouse")).map(({ conversationId }) => conversationId)).toEqual(["tale"]);
  });

  test("among many conversations, by threads over their bytes, misses none", async ({ workspace }) => {
    const rows = Array.from({ length: 450 }, (_, index) => ({
      id: `r${index}`,
      model: "m",
      prompt: `number ${index} ${index % 150 === 7 ? "the Needle" : "hay"}`,
      response: "x",
    }));
    expect(
      (
        await workspace.run(["import", "-"], {
          stdin: JSON.stringify(rows),
          env: { DRAFTSTATE_DURABILITY: "relaxed", DRAFTSTATE_MAX_BACKUPS: "0" },
        })
      ).status,
    ).toBe(0);
    await workspace.write("state/llm-r9.json", "{");
    const result = await workspace.run(["search", "needle", "-l"]);
    expect(result.stdout.trim().split("\n").sort()).toEqual(["llm-r157", "llm-r307", "llm-r7"]);
    expect(result.stderr).toContain("llm-r9");
    expect(
      (await workspace.run(["search", "--regex", "number \\d+ (the|a) N", "-l"])).stdout.trim().split("\n"),
    ).toHaveLength(3);
  });

  test("has its thread built: it answers with what snapshots say, and with those it cannot tell of", async ({
    workspace,
  }) => {
    await conversation(workspace, "tea", [said("user", "Tea")]);
    await conversation(workspace, "coffee", [said("user", "coffee")]);
    await workspace.write("state/torn.json", '{"messages": [');
    const files = ["tea", "coffee", "torn", "missing"].map((id) => ({ id, path: workspace.path(`state/${id}.json`) }));
    const thread = new Worker(fileURLToPath(new URL("../../dist/cli/search-thread.js", import.meta.url)), {
      workerData: { files, query: { text: "tea", regex: false, matchCase: undefined } },
    });
    const [answer] = (await once(thread, "message")) as [unknown];
    expect(answer).toMatchObject({
      answer: {
        found: [{ conversationId: "tea", matches: [{ messageIndex: 0, text: "Tea" }] }],
        unsure: ["torn", "missing"],
      },
    });
    await thread.terminate();
  });

  test("of no text, or by a pattern that could be slow, is wrong usage", async ({ workspace }) => {
    const statuses = await Promise.all(
      [
        ["search", ""],
        ["search", "--regex", String.raw`(a)\1`],
        ["search", "a", "--role", "wizard"],
        ["search", "a", "--status", "corrupt"],
      ].map(async (args) => (await workspace.run(args)).status),
    );
    expect(statuses).toEqual([2, 2, 2, 2]);
  });
});
