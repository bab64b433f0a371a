/** A server that only a conversation names gets nothing before the person at the terminal says so, whatever leads there. */
import { expect } from "vitest";
import { saying } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROMPT = /^>$/m;
const ENV = { OPENAI_API_KEY: "sk-test-0123456789" };

test(
  "/resume of a conversation with a server of its own asks, and a no changes nothing",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const server = await serve(saying("Mine."), saying("Again."));
    await workspace.run(["chat", "Hi", "--id", "foreign", "--base-url", server.url]);
    const terminal = TerminalSession.start(workspace, ["chat", "--id", "own"], { env: ENV });
    await terminal.shows(PROMPT);
    terminal.type("/resume foreign");
    terminal.press("enter");
    await terminal.shows(/Send the conversation and your key there\?/);
    terminal.type("n");
    terminal.press("enter");
    await terminal.shows(/neither the conversation nor the key was sent/);
    expect(server.requests).toHaveLength(1);
    terminal.press("ctrl-d");
    expect((await terminal.ended).status).toBe(0);
  },
);

test("so does /model, where the offline model had stood in", TIMEOUT, async ({ workspace, serve }) => {
  const server = await serve(saying("Mine."), saying("Again."));
  await workspace.run(["chat", "Hi", "--id", "foreign", "--base-url", server.url]);
  const terminal = TerminalSession.start(workspace, ["chat", "--resume", "foreign", "--model", "offline"], {
    env: ENV,
  });
  await terminal.shows(PROMPT);
  terminal.type("/model openai:gpt-4o");
  terminal.press("enter");
  await terminal.shows(/Send the conversation and your key there\?/);
  terminal.type("y");
  terminal.press("enter");
  await terminal.shows(/from now on: openai:gpt-4o/);
  expect(server.requests).toHaveLength(1);
  terminal.type("More");
  terminal.press("enter");
  await terminal.shows(/Again\./);
  expect(server.requests).toHaveLength(2);
  terminal.press("ctrl-d");
  await terminal.ended;
});
