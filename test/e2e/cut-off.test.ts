/**
 * Answers that are cut off: by a kill, by Ctrl-C, by the server. Everything that was seen is there, the conversation
 * goes on, and the model is asked with a valid sequence of turns.
 */
import { describe, expect } from "vitest";
import type { SentMessage } from "./servers.js";
import { mockUrl, type Answer } from "./servers.js";
import { until, type Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const TOKENS = ["Once", " upon", " a", " time", " there", " was"];
const TEXT = TOKENS.join("");

/** Sends the tokens and then nothing more, the connection held. */
async function stall(answer: Answer): Promise<void> {
  for (const token of TOKENS) answer.text(token);
  await answer.abandoned;
}

/** A token each 30 ms until the client leaves. */
async function drip(answer: Answer): Promise<void> {
  const timer = setInterval(() => {
    answer.text("abcd");
  }, 30);
  await answer.abandoned;
  clearInterval(timer);
}

function whole(answer: Answer): void {
  answer.whole(["The", " end."]);
}

function isValidSequence(messages: readonly SentMessage[]): boolean {
  const turns = messages.filter(({ role }) => role !== "system");
  const alternates = turns.every(({ role }, index) => role === (index % 2 === 0 ? "user" : "assistant"));
  return alternates && turns.at(-1)?.role === "user" && messages.every(({ content }) => content !== "");
}

async function killInTheMiddle(workspace: Workspace, url: string): Promise<string> {
  const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
  await cli.shows(TEXT);
  return (await cli.end("SIGKILL")).stdout;
}

describe.concurrent("while an answer streams", TIMEOUT, () => {
  test("other processes are shown what has come so far, and that it streams", async ({ workspace, serve }) => {
    const { url } = await serve(drip);
    const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    await cli.shows("abcdabcdabcd");
    const printed = cli.stdout;
    const shown = await workspace.show("tale");
    expect(shown._metadata.status).toBe("streaming");
    expect(shown.streamingProperties.partialResponse.startsWith(printed)).toBe(true);
    expect(await workspace.row("tale")).toMatchObject({ status: "streaming", messageCount: 1 });
  });

  test("a second writer is refused as locked, and told the owner's pid", async ({ workspace, serve }) => {
    const { url } = await serve(stall);
    const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    await cli.shows("Once");
    const second = await workspace.run(["chat", "--resume", "tale", "Me too"]);
    expect([second.status, second.stdout, second.stderr.includes(String(cli.pid))]).toEqual([5, "", true]);
  });

  test("Ctrl-C keeps what came as interrupted and exits with 130", async ({ workspace, serve }) => {
    const { url } = await serve(stall);
    const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    await cli.shows(TEXT);
    const result = await cli.end("SIGINT");
    expect([result.status, result.stdout]).toEqual([130, `${TEXT}\n`]);
    expect((await workspace.show("tale")).messages.at(-1)).toMatchObject({
      role: "assistant",
      content: TEXT,
      status: "interrupted",
    });
  });

  test("a reader of stdout that leaves is no error, and what came is kept", async ({ workspace, serve }) => {
    const { url } = await serve(drip);
    const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    await cli.shows("abcd");
    cli.child.stdout.destroy();
    expect((await cli.ended).status).toBe(0);
    expect(await workspace.row("tale")).toMatchObject({ status: "interrupted", messageCount: 2 });
  });
});

describe.concurrent("an answer whose process was killed", TIMEOUT, () => {
  test("holds every token that was printed, and is interrupted for every reader", async ({ workspace, serve }) => {
    const { url } = await serve(stall);
    const printed = await killInTheMiddle(workspace, url);
    const shown = await workspace.show("tale");
    expect([shown.messages.at(-1)?.content, shown.messages.at(-1)?.status]).toEqual([printed, "interrupted"]);
    expect(await workspace.row("tale")).toMatchObject({
      status: "interrupted",
      messageCount: 2,
      tokenCount: TOKENS.length,
    });
  });

  test("continues after it is resumed without a prompt, stdin closed", async ({ workspace, serve }) => {
    const server = await serve(stall, whole);
    await killInTheMiddle(workspace, server.url);
    const result = await workspace.run(["chat", "--resume", "tale"]);
    expect([result.status, result.stdout]).toEqual([0, "The end.\n"]);
    expect(isValidSequence(server.lastMessages), JSON.stringify(server.lastMessages)).toBe(true);
    const texts = JSON.stringify((await workspace.show("tale")).messages);
    expect([texts.includes(TEXT), texts.includes("The end.")]).toEqual([true, true]);
  });

  test("continues after it is resumed with a prompt, and the model is told the part that came", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(stall, whole);
    await killInTheMiddle(workspace, server.url);
    expect((await workspace.run(["chat", "--resume", "tale", "And then?"])).status).toBe(0);
    expect(server.lastMessages).toEqual([
      { role: "user", content: "Tell me a story" },
      { role: "assistant", content: TEXT },
      { role: "user", content: "And then?" },
    ]);
  });

  test("before its first token is resumed with a valid sequence of turns", async ({ workspace, serve }) => {
    const server = await serve(async (answer) => {
      answer.begin();
      await answer.abandoned;
    }, whole);
    const cli = workspace.start(["chat", "Tell me a story", "--id", "tale", "--base-url", server.url]);
    await until(
      () => (server.requests.length > 0 ? true : undefined),
      () => "a request",
    );
    await cli.end("SIGKILL");
    expect(await workspace.row("tale")).toMatchObject({ status: "interrupted" });
    expect((await workspace.run(["chat", "--resume", "tale", "Go on"])).status).toBe(0);
    expect(isValidSequence(server.lastMessages), JSON.stringify(server.lastMessages)).toBe(true);
  });

  test("three times over is still resumed with a valid sequence of turns", async ({ workspace, serve }) => {
    const server = await serve(stall, stall, stall, whole);
    await killInTheMiddle(workspace, server.url);
    for (const more of [[], ["Go on"]]) {
      const cli = workspace.start(["chat", "--resume", "tale", ...more]);
      await cli.shows(TEXT);
      await cli.end("SIGKILL");
    }
    expect((await workspace.run(["chat", "--resume", "tale"])).status).toBe(0);
    expect(isValidSequence(server.lastMessages), JSON.stringify(server.lastMessages)).toBe(true);
  });
});

describe.concurrent("an answer that the server breaks off", TIMEOUT, () => {
  test("by cutting the connection is kept as interrupted, exit 6", async ({ workspace, mock }) => {
    mock.onMessage("story", { content: "Once upon a time there was" }, { truncateAfterChunks: 4, latency: 30 });
    const result = await workspace.run(["chat", "Tell me a story", "--id", "tale", "--base-url", mockUrl(mock)]);
    const answer = (await workspace.show("tale")).messages.at(-1);
    // What was written last may die with the connection.
    expect(result.stdout.startsWith("Once upo")).toBe(true);
    expect([result.status, answer?.status, answer?.content]).toEqual([6, "interrupted", result.stdout.trimEnd()]);
  });

  test("by closing it politely without a finish reason is kept as interrupted, exit 6", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve((answer) => {
      for (const token of TOKENS) answer.text(token);
      answer.close();
    });
    const result = await workspace.run(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    expect([result.status, result.stdout]).toEqual([6, `${TEXT}\n`]);
    expect((await workspace.show("tale")).messages.at(-1)).toMatchObject({
      content: TEXT,
      status: "interrupted",
      error: { code: "MODEL" },
    });
  });

  test("by [DONE] without a finish reason is kept as interrupted, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.text(TEXT);
      answer.done();
    });
    const result = await workspace.run(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    expect([result.status, (await workspace.row("tale"))?.status]).toEqual([6, "interrupted"]);
  });

  test("by a chunk that is no JSON is kept as interrupted, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      for (const token of TOKENS) answer.text(token);
      answer.raw("data: {not json\n\n");
      answer.done();
    });
    const result = await workspace.run(["chat", "Tell me a story", "--id", "tale", "--base-url", url]);
    expect(result.status).toBe(6);
    expect((await workspace.show("tale")).messages.at(-1)).toMatchObject({ content: TEXT, status: "interrupted" });
  });
});
