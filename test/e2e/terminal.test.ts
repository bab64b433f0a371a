/** The pseudo-terminal of the tests itself: it is a terminal to the program, and shows what a person would see. */
import { expect } from "vitest";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

test("a command on the pseudo-terminal takes it for one, is typed to and read", TIMEOUT, async ({ workspace }) => {
  const terminal = TerminalSession.startShell(
    workspace,
    'read -r line; echo "said $line"; tput cols; [ -t 1 ] && echo on a terminal; exit 7',
    { columns: 50 },
  );
  terminal.type("hello");
  terminal.press("enter");
  expect(await terminal.ended).toEqual({ status: 7, signal: 0 });
  expect(terminal.screen).toBe("hello\nsaid hello\n50\non a terminal");
});

test("a resize reaches the program", TIMEOUT, async ({ workspace }) => {
  const terminal = TerminalSession.startShell(
    workspace,
    "trap 'stty size; exit' WINCH; echo ready; while :; do read -rt 0.1; done",
  );
  await terminal.shows("ready");
  terminal.resize(60, 10);
  await terminal.shows("10 60");
});
