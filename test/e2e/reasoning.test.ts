/** What a model thinks: dimmed on a terminal while it comes, folded afterwards, never on stdout, and kept when the process dies. */
import { expect } from "vitest";
import { byHand, type Answer } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

function think(answer: Answer, text: string): void {
  answer.chunk({ choices: [{ index: 0, delta: { reasoning_content: text }, finish_reason: null }] });
}

test(
  "on a terminal it is dimmed while it comes, folded by the answer, and unfolded by Ctrl-O",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.start(workspace, ["chat", "-i", "So?", "--base-url", url], {
      columns: 30,
      rows: 12,
    });
    const answer = await hand.answer;
    think(answer, "First I think of a lighthouse \u001b[31mfar away, ");
    think(answer, "then of the sea.");
    await terminal.shows(/First I think of a lighthouse\n.*far away,.*sea\.\n. thinking …/s);
    expect(terminal.styled("dim")).toContain("the sea.");
    expect(terminal.styled("colored")).not.toContain("far");
    terminal.press("ctrl-o");
    await terminal.shuns("lighthouse");
    terminal.press("ctrl-o");
    await terminal.shows("lighthouse");
    answer.text("Yes.");
    await terminal.shows(/thought for 1 s, \d+ words\nYes\./);
    await terminal.shuns("lighthouse");
    answer.finish();
    answer.done();
    await terminal.shows(/Yes\.\n.*>/s);
    terminal.press("ctrl-o");
    await terminal.shows("lighthouse");
    terminal.type("More");
    terminal.press("ctrl-o");
    await terminal.shuns("lighthouse");
    await terminal.shows("> More");
    terminal.press("ctrl-c", "ctrl-c", "ctrl-c");
    await terminal.ended;
    expect(terminal.scrollback).not.toContain("lighthouse");
  },
);

test("Ctrl-C while it thinks stops, and keeps what was thought", TIMEOUT, async ({ workspace, serve }) => {
  const hand = byHand();
  const { url } = await serve(hand.script);
  const args = ["chat", "-i", "So?", "--base-url", url, "--id", "tale"];
  const terminal = TerminalSession.start(workspace, args);
  think(await hand.answer, "I think.");
  await terminal.shows("I think.");
  terminal.press("ctrl-c");
  await terminal.shows(/thought for 1 s, 2 words\n.*>/s);
  terminal.press("ctrl-d");
  await terminal.ended;
  expect(await workspace.show("tale")).toMatchObject({
    messages: [{ role: "user" }, { content: "", reasoning: "I think.", status: "interrupted" }],
  });
});

test("--no-reasoning hides it", TIMEOUT, async ({ workspace, serve }) => {
  const hand = byHand();
  const { url } = await serve(hand.script);
  const terminal = TerminalSession.start(workspace, ["chat", "So?", "--base-url", url, "--no-reasoning"]);
  const answer = await hand.answer;
  think(answer, "I think.");
  await terminal.shows("thinking …");
  answer.whole(["Yes."]);
  await terminal.ended;
  expect(terminal.bytes).not.toMatch(/I think|thought/);
});

test(
  "in a pipe it is not on stdout; killed while it thinks, all that was told is on disk",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const chat = workspace.start(["chat", "So?", "--base-url", url, "--id", "tale", "--json"]);
    const answer = await hand.answer;
    think(answer, "I think ");
    think(answer, "of the sea.");
    await chat.printed("reasoning", 2);
    await chat.end("SIGKILL");
    expect(await workspace.show("tale")).toMatchObject({
      messages: [{ role: "user" }, { content: "", reasoning: "I think of the sea.", status: "interrupted" }],
    });
  },
);

test("in a pipe stdout has the answer alone", TIMEOUT, async ({ workspace, serve }) => {
  const { url } = await serve((answer) => {
    think(answer, "I think.");
    answer.whole(["Yes."]);
  });
  expect((await workspace.run(["chat", "So?", "--base-url", url])).stdout).toBe("Yes.\n");
});
