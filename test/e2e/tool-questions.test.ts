/** A person is asked about each call of a tool: yes, no with a reason, always; and again after a kill. */
import { expect } from "vitest";
import { askingFor, counted, countingTool } from "./counting.js";
import { saying } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

const QUESTION = /run it\? yes, no, always[^\n]*\n\?$/;

test(
  "what was typed before the question is no answer to it, on a terminal without raw keys too",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const server = await serve(askingFor("one"), saying("As you like."));
    const chat = ["chat", "--base-url", server.url, ...countingTool(workspace), "--id", "tale"];
    const terminal = TerminalSession.start(workspace, chat, { env: { TERM: "dumb" } });
    await terminal.shows(/>$/);
    terminal.type("Add\ny\ny\n");
    await terminal.shows(/typed before the question[^\n]*\n[^\n]*run it\?[^\n]*$/);
    expect(counted(workspace)).toEqual([]);
    terminal.type("y\n");
    await terminal.shows(/As you like\.\n>$/);
    expect(counted(workspace)).toEqual(["one"]);
    terminal.press("ctrl-d");
    await terminal.ended;
  },
);

test(
  "a person refuses with a reason, is asked again after a kill, and allows for good in one conversation",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const server = await serve(
      askingFor("one", "two"),
      saying("As you like."),
      askingFor("three"),
      saying("Again."),
      askingFor("four"),
    );
    const chat = ["chat", "--base-url", server.url, ...countingTool(workspace)];
    const first = TerminalSession.start(workspace, [...chat, "--id", "tale"]);
    await first.shows(/>$/);
    first.type("Add");
    first.press("enter");
    await first.shows(QUESTION);
    first.type("n");
    first.press("enter");
    await first.shows(/why not\?[^\n]*\n\?$/);
    first.type("Not that one");
    first.press("enter");
    await first.shows(/text: "two"\n[^\n]*run it\?/);
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    expect(counted(workspace)).toEqual([]);

    const second = TerminalSession.start(workspace, [...chat, "--resume", "tale"]);
    await second.shows(/text: "one"\n[^\n]*run it\?/);
    second.type("s");
    second.press("enter");
    await second.shows(/stopped; [^>]*>$/);
    second.type("/continue");
    second.press("enter");
    await second.shows(/continue\n[\s\S]*text: "one"\n[^\n]*run it\?/);
    // The reason on one line with the letter.
    second.type("n Not that one");
    second.press("enter");
    await second.shows(/text: "two"\n[^\n]*run it\?/);
    second.type("a");
    second.press("enter");
    await second.shows(/As you like\.\n[\s\S]*>$/);
    expect(server.lastMessages.flatMap(({ role, content }) => (role === "tool" ? [content] : []))).toEqual([
      "The user refused this call: Not that one",
      "added two",
    ]);
    second.press("ctrl-d");
    await second.ended;

    // Allowed for good, in another process too; a copy brings no permission along.
    const third = await workspace.run([...chat, "--resume", "tale", "More"]);
    expect(third).toMatchObject({ status: 0, stdout: "Again.\n" });
    const copy = await workspace.run([...chat, "--fork", "tale", "More"]);
    expect(copy.status).toBe(2);
    expect(counted(workspace)).toEqual(["two", "three"]);
  },
);
