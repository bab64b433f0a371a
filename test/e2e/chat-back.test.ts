/** Where one is when one comes back to a conversation, and going over from one to another, on wide and narrow terminals. */
import { describe, expect } from "vitest";
import { saying, type Script } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import type { Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROMPT = /^>$/m;
const LINES = Array.from({ length: 30 }, (_, index) => `This is line ${index} of a long answer.`);
const LONG_ID = "draft_chat_1764000000000";

function cutOff(...tokens: readonly string[]): Script {
  return (answer) => {
    for (const token of tokens) answer.text(token);
    answer.close();
  };
}

async function written(workspace: Workspace, id: string, answer = "Yes."): Promise<void> {
  const metadata = { conversationId: id, savedAt: "2026-01-14T21:30:00.000Z", version: "1.0.0-draft" };
  await workspace.write(
    `state/${id}.json`,
    JSON.stringify({
      messages: [
        { role: "user", content: `About ${id}\u001b[31m` },
        { role: "assistant", content: answer },
      ],
      _metadata: metadata,
    }),
  );
}

function enter(terminal: TerminalSession, line: string): void {
  terminal.type(line);
  terminal.press("enter");
}

describe.concurrent("coming back", TIMEOUT, () => {
  test("shows which conversation this is, the last question, and how the last answer ends", async ({ workspace }) => {
    await written(workspace, "tale", LINES.join("\n"));
    const terminal = TerminalSession.start(workspace, ["chat", "--resume", "tale"], { columns: 100, rows: 40 });
    const screen = await terminal.shows(PROMPT);
    expect(screen).toMatch(/About tale.* · tale · 2 messages · .*ago\n> About tale.*\n {2}…/);
    expect(screen).toContain(`  ${LINES[29] ?? ""}`);
    expect(screen).toContain(`  ${LINES[23] ?? ""}`);
    expect(screen).not.toContain(LINES[10]);
    expect(screen).toContain("draftstate show tale");
    expect(terminal.bytes).not.toContain("\u001b[31m");
    expect(terminal.styled("dim")).toContain(LINES[29]);
  });

  test("an answer that was continued is marked as such: by show, of the last message alone too, and on coming back", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve(cutOff("It needed a keeper", " of the"), saying("courage."));
    await workspace.run(["chat", "Tell me", "--id", "tale", "--base-url", url]);
    await workspace.run(["chat", "--resume", "tale"]);
    expect((await workspace.run(["show", "tale"])).stdout).toMatch(
      /^assistant {2}.*interrupted\nIt needed a keeper of the\n! .*\n\nassistant \(continued\) .*\ncourage\.$/m,
    );
    expect((await workspace.run(["show", "tale", "--last", "1"])).stdout).toMatch(
      /\n\nassistant \(continued\) .*\ncourage\.$/m,
    );
    const terminal = TerminalSession.start(workspace, ["chat", "-c"]);
    await terminal.shows(/> Tell me\n {2}It needed a keeper of the\n {2}\(continued\) courage\.\n[\s\S]*\n>$/);
  });

  test("shows how an answer broke off before it asks what to do with it", async ({ workspace, serve }) => {
    const { url } = await serve(cutOff("It needed a keeper", " of the"), saying(" courage."));
    await workspace.run(["chat", "Tell me", "--id", "tale", "--base-url", url]);
    const terminal = TerminalSession.start(workspace, ["chat", "-c"]);
    await terminal.shows(
      / · tale · 2 messages[^\n]*\n> Tell me\n {2}It needed a keeper of the …\n[\s\S]*discard\? \(c\)\n\?$/,
    );
    enter(terminal, "c");
    await terminal.shows(/courage\.\n[\s\S]*\n>$/);
  });

  test("shows nothing of it in pipes, with --quiet, and where one answer is asked for", async ({
    workspace,
    serve,
  }) => {
    await written(workspace, "tale");
    const quiet = TerminalSession.start(workspace, ["chat", "-c", "--quiet"]);
    await quiet.shows(PROMPT);
    expect(quiet.screen).not.toContain("About");
    quiet.press("ctrl-d");
    await quiet.ended;
    const { url } = await serve(saying("More."));
    const single = TerminalSession.start(workspace, ["chat", "-c", "And?", "--base-url", url]);
    await single.ended;
    const piped = await workspace.run(["chat", "-c", "-i", "And?"]);
    expect(`${single.scrollback}${piped.stderr}`).not.toContain("About tale");
  });
});

test(
  "on a terminal a server that only the conversation names is asked about",
  TIMEOUT,
  async ({ workspace, serve }) => {
    const server = await serve(saying("More."));
    await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", server.url]);
    for (const [answer, status, requests] of [
      ["n", 2, 1],
      ["y", 0, 2],
    ] as const) {
      const terminal = TerminalSession.start(workspace, ["chat", "-c", "And?"], {
        columns: 100,
        rows: 40,
        env: { OPENAI_API_KEY: "sk-canary" },
      });
      await terminal.shows(/Send the conversation and your key there\? \(y\/N\)/);
      enter(terminal, answer);
      expect([(await terminal.ended).status, server.requests.length]).toEqual([status, requests]);
    }
  },
);

describe.concurrent("going over", TIMEOUT, () => {
  test("/ls shows the newest conversations, /resume resumes another, and the one left is free", async ({
    workspace,
    serve,
  }) => {
    for (const id of ["apple", "pear"]) await written(workspace, id);
    const server = await serve(saying("More."));
    const terminal = TerminalSession.start(workspace, ["chat", "--resume", "apple", "--base-url", server.url], {
      columns: 100,
      rows: 40,
    });
    await terminal.shows(PROMPT);
    enter(terminal, "/ls");
    await terminal.shows(/\* apple {2}[^\n]*2 messages[\s\S]* {2}pear {2}[^\n]*2 messages[\s\S]*\n>$/);
    enter(terminal, "/resume pe");
    await terminal.shows(/About pear[^\n]* · pear · 2 messages[\s\S]*\n>$/);
    expect((await workspace.run(["chat", "Hi", "--resume", "apple", "--model", "offline"])).status).toBe(0);
    enter(terminal, "And?");
    await terminal.shows("More.");
    terminal.press("ctrl-d");
    await terminal.ended;
    expect((await workspace.show("pear")).messages.map(({ content }) => content).slice(1)).toEqual([
      "Yes.",
      "And?",
      "More.",
    ]);
  });

  test("/resume alone lets one choose; Esc stays", async ({ workspace }) => {
    for (const id of ["apple", "pear"]) await written(workspace, id);
    const terminal = TerminalSession.start(workspace, ["chat"]);
    await terminal.shows(PROMPT);
    enter(terminal, "/resume");
    await terminal.shows("2 conversations");
    terminal.press("escape");
    await terminal.shows(/\/resume\n>$/);
    enter(terminal, "/resume");
    await terminal.shows("2 conversations");
    terminal.type("pea");
    await terminal.shows("1 conversation ");
    terminal.press("enter");
    await terminal.shows(/ · pear · 2 messages[\s\S]*\n>$/);
    enter(terminal, "/resume pear");
    await terminal.shows("pear is already open");
    enter(terminal, "/resume plum");
    await terminal.shows("there is no conversation");
  });

  test("/resume to what another has says who, how to go on in a copy, and stays where it is", async ({
    workspace,
    serve,
  }) => {
    await written(workspace, "apple");
    await written(workspace, "pear");
    const server = await serve(saying("More."));
    const other = TerminalSession.start(workspace, ["chat", "--resume", "pear"]);
    await other.shows(PROMPT);
    const terminal = TerminalSession.start(workspace, ["chat", "--resume", "apple", "--base-url", server.url], {
      columns: 200,
    });
    await terminal.shows(PROMPT);
    enter(terminal, "/resume pear");
    const screen = await terminal.shows("is locked");
    expect(screen).toContain(String(other.pid));
    expect(screen).toContain("draftstate chat --fork pear");
    expect(screen).toContain("DRAFTSTATE_LOCK_TIMEOUT");
    enter(terminal, "Hi");
    await terminal.shows("More.");
    expect((await workspace.row("apple"))?.messageCount).toBe(4);
  });

  test("/resume asks what to do with an answer that was cut off", async ({ workspace, serve }) => {
    const { url } = await serve(cutOff("Once"), saying(" upon."));
    await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url]);
    const terminal = TerminalSession.start(workspace, ["chat"]);
    await terminal.shows(PROMPT);
    enter(terminal, "/resume tale");
    await terminal.shows(/Once …\n[\s\S]*discard\? \(c\)\n\?$/);
    enter(terminal, "c");
    await terminal.shows(/ upon\.\n>$/);
  });
});

describe.concurrent("on a narrow terminal", TIMEOUT, () => {
  test("/help breaks between words, and keeps what a command does beside or below it", async ({ workspace }) => {
    const terminal = TerminalSession.start(workspace, ["chat"], { columns: 40, rows: 80 });
    await terminal.shows(PROMPT);
    enter(terminal, "/help");
    await terminal.shows(/Ctrl-D[\s\S]*\n>$/);
    const text = terminal.copied.replaceAll(/\s+/g, " ");
    expect(text).toContain("/undo undo the last turn; its question returns to the prompt");
    expect(text).toContain(
      "Ctrl-R search earlier messages, Tab completes commands, Ctrl-O unfolds what the model thought.",
    );
    expect(terminal.copied.split("\n").every((line) => line.length <= 40)).toBe(true);
  });

  test("an id is on one row, and so is the way to go on with it where that has room", async ({ workspace, serve }) => {
    const { url } = await serve(saying("Yes."));
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--id", LONG_ID, "--base-url", url], {
      columns: 60,
    });
    await terminal.ended;
    expect(terminal.screen).toContain(`saved as ${LONG_ID}; resume with:\ndraftstate chat --resume ${LONG_ID}`);
    const narrow = TerminalSession.start(workspace, ["chat", "-c"], { columns: 40 });
    await narrow.shows(PROMPT);
    enter(narrow, "/fork copy");
    await narrow.shows("--resume");
    expect(narrow.screen.split("\n").filter((row) => row.includes(LONG_ID))).toHaveLength(2);
  });

  test("a preview of /restore breaks between words", async ({ workspace, serve }) => {
    const { url } = await serve(
      saying("The lighthouse keeper counted the ships that passed in the night."),
      saying("Other words."),
    );
    const terminal = TerminalSession.start(workspace, ["chat", "--id", "tale", "--base-url", url], {
      columns: 40,
      rows: 60,
    });
    await terminal.shows(PROMPT);
    enter(terminal, "Hi");
    await terminal.shows(/night\.\n>$/);
    enter(terminal, "/save first");
    await terminal.shows("tagged first");
    enter(terminal, "/retry");
    await terminal.shows(/Other words\.\n[^>]*previous answer back\n>$/);
    enter(terminal, "/restore first");
    await terminal.shows("[y/N]");
    expect(terminal.copied.split("\n").every((line) => line.length <= 40)).toBe(true);
  });

  test("the picker keeps its keys in view", async ({ workspace }) => {
    await written(workspace, "apple");
    const terminal = TerminalSession.start(workspace, ["chat", "--resume"], { columns: 40 });
    await terminal.shows("Enter resumes · Esc leaves");
    terminal.resize(24, 20);
    await terminal.shows(/Enter · Esc/);
  });
});
