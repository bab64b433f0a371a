/** `watch` beside real processes that write: each token once and in order, through snapshots, backups, deaths and removals. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { until, type JsonLine, type RunningCli, type Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { byHand } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

const WRITER = fileURLToPath(new URL("../doubles/token-writer.mjs", import.meta.url));

/** A writer that has opened its conversation and waits to be told to begin. */
async function writerOf(
  workspace: Workspace,
  id: string,
  tokens: number,
  end = "complete",
): Promise<ChildProcessWithoutNullStreams> {
  const args = [WRITER, workspace.path("state"), workspace.path("backup"), id, String(tokens), end];
  const child = spawn(process.execPath, args, { env: workspace.environment() });
  await once(child.stdout, "data");
  return child;
}

function answerOf(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => ` ${index}${index % 40 === 39 ? ".\n" : ""}`).join("");
}

function tokensOf(lines: readonly JsonLine[]): JsonLine[] {
  return lines.filter(({ type }) => type === "token");
}

async function stopped(watcher: RunningCli): Promise<number | null> {
  return (await watcher.end("SIGINT")).status;
}

describe("watch of one conversation", TIMEOUT, () => {
  test("prints the answer as it grows, each of 500 tokens once, through snapshots and backups", async ({
    workspace,
  }) => {
    const writer = await writerOf(workspace, "tale", 500);
    const watcher = workspace.start(["watch", "tale", "--until-complete"]);
    await until(
      () => (watcher.stderr.includes("tale is") ? true : undefined),
      () => "the watch has begun",
    );
    writer.stdin.write("go\n");
    const result = await watcher.ended;
    expect(result.stdout).toBe(`${answerOf(500)}\n`);
    expect(result.status).toBe(0);
  });

  test("on a terminal breaks lines between words, shows each word once, and leaves the cursor as it was", async ({
    workspace,
  }) => {
    const writer = await writerOf(workspace, "tale", 300);
    const terminal = TerminalSession.start(workspace, ["watch", "tale", "--until-complete"], { columns: 32, rows: 12 });
    await terminal.shows("tale is");
    writer.stdin.write("go\n");
    expect((await terminal.ended).status).toBe(0);
    const rows = terminal.scrollback.split("\n").filter((row) => !/^user:|^tale is|^revision/.test(row));
    expect(rows.length).toBeGreaterThan(300 / 8);
    expect(rows.join(" ").match(/\d+\.?/g)).toEqual(answerOf(300).match(/\d+\.?/g));
    expect(terminal.cursor.visible).toBe(true);
  });

  test("with --json gives tokens whose revisions rise, then that the answer is complete", async ({ workspace }) => {
    const writer = await writerOf(workspace, "tale", 500);
    const watcher = workspace.start(["watch", "tale", "--until-complete", "--json"]);
    await watcher.printed("status", 1);
    writer.stdin.write("go\n");
    await watcher.ended;
    const { lines } = watcher;
    expect(
      tokensOf(lines)
        .map(({ text }) => text)
        .join(""),
    ).toBe(answerOf(500));
    const revisions = tokensOf(lines).map(({ revision }) => Number(revision));
    expect(revisions).toEqual([...new Set(revisions)].sort((left, right) => left - right));
    expect(lines.filter(({ type }) => type === "status").map(({ status }) => status)).toEqual([
      "complete",
      "streaming",
      "complete",
    ]);
    expect(lines.filter(({ type }) => type === "saved").length).toBeGreaterThan(0);
  });

  test("that comes in the middle begins with the partial answer", async ({ workspace }) => {
    const writer = await writerOf(workspace, "tale", 400, "die");
    writer.stdin.write("go\n");
    await once(writer, "close");
    const watcher = workspace.start(["watch", "tale", "--json"]);
    await watcher.printed("status", 1);
    expect(
      tokensOf(watcher.lines)
        .map(({ text }) => text)
        .join(""),
    ).toBe(answerOf(400));
    expect(await stopped(watcher)).toBe(130);
  });

  test("on a terminal says that it comes in the middle before the text, not within it", async ({
    workspace,
    serve,
  }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const chat = workspace.start(["chat", "Hi", "--id", "tale", "--base-url", url]);
    const answer = await hand.answer;
    answer.text("Once upon a time there was a keeper of a lighthouse");
    await chat.shows("lighthouse");
    const terminal = TerminalSession.start(workspace, ["watch", "tale", "--until-complete"], { columns: 32 });
    await terminal.shows("lighthouse");
    answer.text(" by the sea.");
    answer.finish();
    answer.done();
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.scrollback).toMatch(
      /^tale is streaming at revision \d+\nOnce upon a time there was a\nkeeper of a lighthouse by the\nsea\.\ntale is complete at revision \d+$/,
    );
  });

  test("tells that the writer died, which changes no file", async ({ workspace }) => {
    const writer = await writerOf(workspace, "tale", 300, "die");
    const watcher = workspace.start(["watch", "tale", "--until-complete", "--json"]);
    await watcher.printed("status", 1);
    writer.stdin.write("go\n");
    const result = await watcher.ended;
    expect(watcher.lines.filter(({ type }) => type === "status").map(({ status }) => status)).toEqual([
      "complete",
      "streaming",
      "interrupted",
    ]);
    expect(
      tokensOf(watcher.lines)
        .map(({ text }) => text)
        .join(""),
    ).toBe(answerOf(300));
    expect(result.status).toBe(1);
  });

  test("tells of a removal, and continues when it comes back", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "tale"]);
    const watcher = workspace.start(["watch", "tale", "--json"]);
    await watcher.printed("status", 1);
    await rename(workspace.path("state/tale.json"), workspace.path("away.json"));
    workspace.pushNow();
    await watcher.printed("removed", 1);
    await rename(workspace.path("away.json"), workspace.path("state/tale.json"));
    workspace.pushNow();
    await watcher.printed("status", 2);
    await workspace.run(["chat", "two", "--resume", "tale"]);
    const shown = await workspace.show("tale");
    const answer = shown.messages.at(-1)?.content;
    await until(
      () =>
        tokensOf(watcher.lines)
          .map(({ text }) => text)
          .join("") === answer
          ? true
          : undefined,
      () => JSON.stringify(watcher.lines),
    );
    expect(await stopped(watcher)).toBe(130);
  });

  test("follows a journal that is replaced by one with only the records behind the snapshot", async ({ workspace }) => {
    const writer = await writerOf(workspace, "tale", 245, "die");
    writer.stdin.write("go\n");
    await once(writer, "close");
    const journal = await workspace.read("state/tale.journal");
    const [header = "", ...records] = journal.trimEnd().split("\n");
    const cut = Math.floor(records.length / 2);
    await workspace.write("state/tale.journal", `${[header, ...records.slice(0, cut)].join("\n")}\n`);
    const watcher = workspace.start(["watch", "tale", "--json"]);
    await watcher.printed("status", 1);
    // The header of a later base is only of another number: a reader goes by revisions.
    await workspace.write("later.journal", `${[header, ...records.slice(cut - 1)].join("\n")}\n`);
    await rename(workspace.path("later.journal"), workspace.path("state/tale.journal"));
    workspace.pushNow();
    await until(
      () =>
        tokensOf(watcher.lines)
          .map(({ text }) => text)
          .join("") === answerOf(245)
          ? true
          : undefined,
      () => JSON.stringify(watcher.lines.slice(-5)),
    );
    await stopped(watcher);
  });

  test("says that the file was edited, and continues", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "tale"]);
    const watcher = workspace.start(["watch", "tale", "--json"]);
    await watcher.printed("status", 1);
    await writeFile(
      workspace.path("state/tale.json"),
      (await workspace.read("state/tale.json")).replace('"one"', '"two"'),
    );
    workspace.pushNow();
    expect((await watcher.printed("problem", 1))[0]).toMatchObject({ code: "CORRUPT" });
    await stopped(watcher);
  });

  test("--until-complete does not wait where nobody writes: the answer is complete, or was cut off", async ({
    workspace,
  }) => {
    await workspace.run(["chat", "one", "--id", "tale"]);
    const { status, stdout, stderr } = await workspace.run(["watch", "tale", "--until-complete"]);
    expect([status, stdout, stderr.includes("no process is writing to tale")]).toEqual([0, "", true]);
    await seed(workspace, "cut", [{ prompt: "one", answer: "half", status: "interrupted" }]);
    expect((await workspace.run(["watch", "cut", "--until-complete", "--json"])).status).toBe(1);
  });

  test("of none is an error", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "tale"]);
    expect((await workspace.run(["watch", "other"])).status).toBe(3);
    expect((await workspace.run(["watch", "--until-complete"])).status).toBe(2);
  });
});

describe("watch of all", TIMEOUT, () => {
  test("tells of one that appears, also where there was not even a directory, and of its removal", async ({
    workspace,
  }) => {
    const watcher = workspace.start(["watch", "--json"]);
    await until(
      () => (watcher.stderr.includes("watching") ? true : undefined),
      () => watcher.stderr,
    );
    await workspace.run(["chat", "one", "--id", "first"]);
    await until(
      () => watcher.lines.find(({ conversationId, status }) => conversationId === "first" && status === "complete"),
      () => JSON.stringify(watcher.lines),
    );
    await workspace.run(["chat", "two", "--id", "second"]);
    const row = await until(
      () => watcher.lines.find(({ conversationId, status }) => conversationId === "second" && status === "complete"),
      () => JSON.stringify(watcher.lines),
    );
    expect(row).toMatchObject({
      type: "changed",
      title: "two",
      revision: (await workspace.show("second"))._metadata.revision,
    });
    await rm(workspace.path("state/first.json"));
    workspace.pushNow();
    expect((await watcher.printed("removed", 1))[0]).toMatchObject({ conversationId: "first" });
    expect(await stopped(watcher)).toBe(130);
  });

  test("shows a live writer as streaming, then as complete, a line for each", async ({ workspace }) => {
    const writer = await writerOf(workspace, "tale", 300);
    const watcher = workspace.start(["watch"]);
    await until(
      () => (watcher.stderr.includes("watching") ? true : undefined),
      () => watcher.stderr,
    );
    writer.stdin.write("go\n");
    await watcher.shows("complete");
    expect(watcher.stdout).toMatch(
      /^\d\d:\d\d:\d\d {2}tale {2}streaming {2}revision \d+ {2}\d+ tokens {2}300 tokens, please$/m,
    );
    expect(watcher.stdout.split("\n").length).toBeLessThan(100);
    await stopped(watcher);
  });
});
