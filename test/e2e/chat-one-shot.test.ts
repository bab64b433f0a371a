/** One answer, and pipes into a conversation: what a chat takes of the terminal's input, and what it leaves alone. */
import { describe, expect } from "vitest";
import { byHand, saying } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

const LOOK = "stty -a | grep -oE -- '-?(icanon|echo|isig) '";

describe.concurrent("one answer", TIMEOUT, () => {
  test("comes in the background too: nothing stops it, and it streams", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.startShell(
      workspace,
      `set -m; draftstate chat Hi --base-url ${url} & wait $!; echo "status $?"; ${LOOK}`,
    );
    const answer = await Promise.race([hand.answer, terminal.ended]);
    if (!("text" in answer)) throw new Error(`it ended before it asked:\n${terminal.scrollback}`);
    answer.text("Hello");
    await terminal.shows("Hello");
    answer.text(" there.");
    answer.finish();
    answer.done();
    await terminal.ended;
    expect(terminal.scrollback).toMatch(/Hello there\.[\s\S]*status 0\nisig ?\nicanon ?\necho/);
  });

  test("leaves what is typed meanwhile to the next reader of the terminal", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.startShell(
      workspace,
      `draftstate chat Hi --base-url ${url}; read -r line; echo "said $line"`,
    );
    const answer = await hand.answer;
    answer.text("Once");
    await terminal.shows("Once");
    terminal.type("next");
    terminal.press("enter");
    answer.text(" upon");
    answer.finish();
    answer.done();
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.scrollback).toMatch(/Once upon\n[\s\S]*said next$/);
  });

  test("is stopped by Ctrl-C, and the partial answer is kept", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.startShell(
      workspace,
      `trap : INT; draftstate chat Hi --id tale --base-url ${url}; echo "status $?"; ${LOOK}`,
    );
    const answer = await hand.answer;
    answer.text("Once upon");
    await terminal.shows("Once upon");
    terminal.press("ctrl-c");
    await terminal.ended;
    expect(terminal.scrollback).toMatch(/saved as tale \(interrupted\)[\s\S]*status 130\nisig ?\nicanon ?\necho/);
    expect([(await workspace.show("tale")).messages.at(-1)?.content, terminal.cursor.visible]).toEqual([
      "Once upon",
      true,
    ]);
  });
});

describe.concurrent("-i with a pipe on stdin", TIMEOUT, () => {
  test("takes the pipe as context, then continues by the terminal's keys", async ({ workspace, serve }) => {
    const server = await serve(saying("First."), saying("Second."));
    const terminal = TerminalSession.startShell(
      workspace,
      `echo "a diff" | draftstate chat -i "Review this" --id tale --base-url ${server.url}; echo "status $?"; ${LOOK}`,
    );
    await terminal.shows(/First\.\n[\s\S]*\n>$/);
    terminal.type("two");
    terminal.press("backspace");
    terminal.type("o");
    terminal.press("enter");
    await terminal.shows(/Second\.\n>$/);
    terminal.press("ctrl-d");
    await terminal.ended;
    expect(server.lastMessages.map(({ content }) => content)).toEqual(["a diff\n\nReview this", "First.", "two"]);
    expect(terminal.screen).toMatch(/saved as tale[\s\S]*status 0\nisig ?\nicanon ?\necho/);
  });

  test("reads lines from the terminal where that can do no more", async ({ workspace, serve }) => {
    const server = await serve(saying("First."), saying("Second."));
    const terminal = TerminalSession.startShell(
      workspace,
      `echo "a diff" | draftstate chat -i "Review this" --base-url ${server.url}`,
      { env: { TERM: "dumb" } },
    );
    await terminal.shows(/First\.\n[\s\S]*\n>/);
    terminal.type("two");
    terminal.press("enter");
    await terminal.shows("Second.");
    terminal.type("/exit");
    terminal.press("enter");
    expect((await terminal.ended).status).toBe(0);
  });

  test("says how to go on where there is no terminal", async ({ workspace, serve }) => {
    const { url } = await serve(saying("First."));
    const piped = await workspace.run(["chat", "-i", "Hi", "--id", "tale", "--base-url", url]);
    expect([piped.status, piped.stdout]).toEqual([0, "First.\n"]);
    expect(piped.stderr).toMatch(/^no terminal to continue at[^\n]*draftstate chat --resume tale\n.*saved as tale/m);
    expect(piped.stderr).not.toContain("/help");
    const detached = TerminalSession.startShell(
      workspace,
      `export -f draftstate; echo x | setsid -w bash -c 'draftstate chat -i Hi --id other --base-url ${url}'; echo "status $?"`,
      { columns: 120 },
    );
    await detached.ended;
    expect(detached.scrollback).toMatch(
      /First\.\n\n?no terminal to continue at[^\n]*--resume other\nsaved as other[^\n]*\nstatus 0/,
    );
  });

  test("is wrong usage where there is neither a prompt nor a terminal", async ({ workspace }) => {
    expect((await workspace.run(["chat", "-i"])).status).toBe(2);
  });
});
