/** Chat on a real terminal, as one types in it: prompts, history, paste, resize, Ctrl-C at each stage, what is left of the terminal. */
import { readFile, stat } from "node:fs/promises";
import { describe, expect } from "vitest";
import { until } from "./cli.js";
import { byHand, saying, type Script } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROMPT = /^>$/m;

/** Says a word, then waits until the client has gone. */
function stalling(...words: readonly string[]): Script {
  return async (answer) => {
    for (const word of words) answer.text(word);
    await answer.abandoned;
  };
}

describe.concurrent("at the prompt", TIMEOUT, () => {
  test("what is typed is answered, and the prompt comes back", async ({ workspace, serve }) => {
    const { url } = await serve(saying("Hello", " there."));
    const terminal = TerminalSession.start(workspace, ["chat", "--id", "tale", "--base-url", url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows(/> Hi\nHello there\.\n>$/);
    terminal.press("ctrl-d");
    expect(await terminal.ended).toEqual({ status: 0, signal: 0 });
    expect((await workspace.show("tale")).messages.map(({ content }) => content)).toEqual(["Hi", "Hello there."]);
  });

  test("-i asks on after the answer to what was given, and --no-save keeps nothing of it, its history neither", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(saying("First."), saying("Second."));
    const terminal = TerminalSession.start(workspace, ["chat", "-i", "one", "--no-save", "--base-url", server.url]);
    await terminal.shows(/First\.\n[\s\S]*\n>$/);
    terminal.type("two");
    terminal.press("enter");
    await terminal.shows(/Second\.\n>$/);
    terminal.press("ctrl-d");
    expect((await terminal.ended).status).toBe(0);
    expect(server.lastMessages.map(({ content }) => content)).toEqual(["one", "First.", "two"]);
    expect((await workspace.files()).size).toBe(0);
  });

  test("a paste of many lines is one message, and nothing is sent until Enter", async ({ workspace, serve }) => {
    const server = await serve(saying("Yes"));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.paste("one\ntwo\n\nthree\n");
    await terminal.shows("three");
    expect(server.requests).toEqual([]);
    terminal.press("backspace");
    terminal.type(" four");
    terminal.press("enter");
    await terminal.shows("Yes");
    expect(server.lastMessages).toEqual([{ role: "user", content: "one\ntwo\n\nthree four" }]);
  });

  test("a backslash at the end of a line, Alt-Enter and Shift-Enter begin another", async ({ workspace, serve }) => {
    const server = await serve(saying("Yes"));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("one\\");
    terminal.press("enter");
    terminal.type("two");
    terminal.press("alt-enter");
    terminal.type("three");
    terminal.press("shift-enter");
    terminal.type("four");
    terminal.press("enter");
    await terminal.shows("Yes");
    expect(server.lastMessages).toEqual([{ role: "user", content: "one\ntwo\nthree\nfour" }]);
  });

  test("a line is edited as shells do it, wide characters too", async ({ workspace, serve }) => {
    const server = await serve(saying("Yes"));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("灯台👩‍👩‍👧 wrld again");
    terminal.press("ctrl-w", "backspace", "left", "left", "left");
    terminal.type("o");
    terminal.press("home", "right", "delete", "end");
    terminal.type("!");
    terminal.press("enter");
    await terminal.shows("Yes");
    expect(server.lastMessages).toEqual([{ role: "user", content: "灯👩‍👩‍👧 world!" }]);
  });

  test("what was said is found again in the next run, in a file for its owner alone", async ({ workspace }) => {
    const first = TerminalSession.start(workspace, ["chat"]);
    await first.shows(PROMPT);
    first.type("Tell me about lighthouses");
    first.press("enter");
    await first.shows(/\n>$/);
    first.press("ctrl-d");
    await first.ended;
    const path = workspace.path("state/.draftstate/history/prompts.jsonl");
    expect([(await stat(path)).mode & 0o777, await readFile(path, "utf8")]).toEqual([
      0o600,
      '"Tell me about lighthouses"\n',
    ]);
    const second = TerminalSession.start(workspace, ["chat"]);
    await second.shows(PROMPT);
    second.type("draft");
    second.press("up");
    await second.shows("> Tell me about lighthouses");
    second.press("down");
    await second.shows("> draft");
    second.press("ctrl-u", "ctrl-r");
    second.type("light");
    await second.shows("> Tell me about lighthouses");
  });

  test("Ctrl-C clears the line, and pressed again leaves with 130", async ({ workspace }) => {
    const terminal = TerminalSession.start(workspace, ["chat"]);
    await terminal.shows(PROMPT);
    terminal.type("never mind");
    terminal.press("ctrl-c");
    await terminal.shows(/never mind\^C\n.*again to leave\n>$/);
    terminal.press("ctrl-c");
    expect(await terminal.ended).toEqual({ status: 130, signal: 0 });
    expect(await workspace.ls()).toEqual([]);
  });

  test("an error of the server is one line, and the prompt comes back", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.respond(
        401,
        "application/json",
        JSON.stringify({ error: { message: "\u001b]0;owned\u0007no\u001b[2J key" } }),
      );
    }, saying("Better"));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows(/error: the provider refused the key[^\n]*\n[\s\S]*>$/);
    expect(terminal.scrollback.replaceAll(/\s+/g, " ")).toContain("/retry asks again, /undo takes the question back");
    terminal.type("Again");
    terminal.press("enter");
    await terminal.shows(/Better\n>$/);
    expect(terminal.bytes).not.toContain("\u001b]0;");
    expect(terminal.bytes).not.toContain("\u001b[2J");
  });
});

describe.concurrent("while an answer streams", TIMEOUT, () => {
  test("Ctrl-C stops it and keeps it, and the conversation continues", async ({ workspace, serve }) => {
    const server = await serve(stalling("Once", " upon"), saying("The end."));
    const terminal = TerminalSession.start(workspace, ["chat", "--id", "tale", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows("Once upon");
    terminal.press("ctrl-c");
    await terminal.shows(/Once upon\nstopped;[\s\S]*\n>$/);
    terminal.type("And then?");
    terminal.press("enter");
    await terminal.shows(/The end\.\n>$/);
    terminal.press("ctrl-d");
    await terminal.ended;
    expect((await workspace.show("tale")).messages.map(({ status }) => status)).toEqual([
      undefined,
      "interrupted",
      undefined,
      "complete",
    ]);
    expect(server.lastMessages.map(({ content }) => content)).toEqual(["Hi", "Once upon", "And then?"]);
  });

  test("Ctrl-C before the first token stops too", async ({ workspace, serve }) => {
    const server = await serve(stalling());
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows(/connecting to|waiting for/);
    await until(
      () => (server.requests.length > 0 ? true : undefined),
      () => "a request",
    );
    terminal.press("ctrl-c");
    await terminal.shows(/> Hi\n\n?stopped;[\s\S]*\n>$/);
  });

  test("what is typed is not in the answer, but at the next prompt", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    const answer = await hand.answer;
    answer.text("Once ");
    await terminal.shows("Once");
    terminal.type("and then?");
    answer.text("upon a time");
    await terminal.shows("Once upon a time");
    expect(terminal.screen).not.toContain("and then");
    answer.finish();
    answer.done();
    await terminal.shows(/Once upon a time\n> and then\?$/);
  });

  test("a message that was sent ahead is asked next; after Ctrl-C it waits for another Enter", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(stalling("Once"), saying("Asked."));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows("Once");
    terminal.type("next");
    terminal.press("enter", "ctrl-c");
    await terminal.shows(/stopped;[\s\S]*> next$/);
    expect(server.requests).toHaveLength(1);
    terminal.type("!");
    await terminal.shows(/> next!$/);
    terminal.press("ctrl-u");
    await terminal.shows(PROMPT);
    terminal.type("then");
    terminal.press("enter");
    await terminal.shows("Asked.");
    expect(server.requests[1]?.body.messages.at(-1)).toMatchObject({ content: "then" });
  });

  test("of several messages that were sent ahead of a Ctrl-C, each stays a line of its own", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(stalling("Once"));
    const terminal = TerminalSession.start(workspace, ["chat", "--base-url", server.url]);
    await terminal.shows(PROMPT);
    terminal.type("Hi");
    terminal.press("enter");
    await terminal.shows("Once");
    terminal.type("one");
    terminal.press("enter");
    terminal.type("two");
    terminal.press("enter", "ctrl-c");
    await terminal.shows(/> one\n {2}two$/);
    expect(server.requests).toHaveLength(1);
  });

  test("a status line says tokens and the saved revision, and is gone at the end", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url]);
    const answer = await hand.answer;
    answer.text("One");
    answer.text(" two");
    await terminal.shows(/One two\n2 tokens.*saved r\d+/);
    expect(terminal.cursor.visible).toBe(false);
    answer.finish();
    answer.done();
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.scrollback).not.toContain("saved r");
    expect(terminal.cursor.visible).toBe(true);
  });

  test("a resize in the middle loses and repeats nothing, and leaves no status behind", async ({
    workspace,
    serve,
  }) => {
    const words = Array.from({ length: 400 }, (_, index) => `word${index}`);
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url], { columns: 80, rows: 20 });
    const answer = await hand.answer;
    const sizes = [
      [40, 20],
      [100, 10],
      [36, 30],
      [120, 8],
      [80, 24],
    ] as const;
    for (const [index, word] of words.entries()) {
      answer.text(`${word} `);
      if (index % 70 !== 69) continue;
      await terminal.shows(new RegExp(`${word}\\n${index + 1} tokens`));
      const [columns, rows] = sizes[(index - 69) / 70] ?? [80, 24];
      terminal.resize(columns, rows);
    }
    answer.finish();
    answer.done();
    await terminal.ended;
    expect(terminal.scrollback.match(/word\d+/g)).toEqual(words);
    expect(terminal.scrollback).not.toContain("saved r");
  });

  test("words are not broken", async ({ workspace, serve }) => {
    const words = Array.from({ length: 120 }, (_, index) => `lighthouse${index}`);
    const { url } = await serve(saying(...words.map((word) => `${word} `)));
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url], { columns: 37 });
    await terminal.ended;
    expect(
      terminal.scrollback
        .split("\n")
        .join(" ")
        .match(/lighthouse\d+/g),
    ).toEqual(words);
    expect(terminal.scrollback.split("\n").every((row) => row.length <= 37)).toBe(true);
  });

  test("hostile text, split over tokens, reaches the terminal raw in no piece", async ({ workspace, serve }) => {
    const hostile = [
      "\u001b",
      "]0;owned\u0007",
      "\u001b[2",
      "J\u001b",
      "c",
      "\u009b31m",
      "\u001bP1$r\u001b",
      "\\",
      "\u202e",
      "evil &#27;[31m &#x202e;x",
      "\r",
      "over\b\b\b",
      "\u001b[?1049h",
    ];
    const { url } = await serve(
      saying(
        ...hostile,
        "x".repeat(100_000),
        "\n\n| a\u001b[5m | b |\n|---|---|\n| \u001b]8;;http://evil\u0007 | 2 |\n",
        "[link\u001b[7m](http://e.x/\u001b[8m)\n```\u001b[1m\n\u001b[9mcode\n```\n",
      ),
    );
    const terminal = TerminalSession.start(workspace, ["chat", "Hi \u001b[31mred", "--base-url", url]);
    expect((await terminal.ended).status).toBe(0);
    const ours = /\u001b\[(?:[\d;]*m|[AK]|\d+[AC]|J|\?25[lh]|\?2004[lh])/g;
    const rest = terminal.bytes.replaceAll(ours, "").replaceAll("\r\n", "").replaceAll("\r", "");
    expect(rest.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)).toBeNull();
    expect(terminal.scrollback.replaceAll("\n", "").match(/x{100000}/)).not.toBeNull();
  });
});

describe.concurrent("the terminal", TIMEOUT, () => {
  const LOOK = "stty -a | grep -oE -- '-?(icanon|echo|isig) '";

  test("is as it was after leaving, after Ctrl-C, after SIGTERM and after SIGHUP", async ({ workspace }) => {
    for (const [end, status] of [
      ["ctrl-d", 0],
      ["ctrl-c", 130],
    ] as const) {
      const terminal = TerminalSession.startShell(workspace, `draftstate chat; echo "status $?"; ${LOOK}; read -r`);
      await terminal.shows(PROMPT);
      terminal.press(end);
      if (end === "ctrl-c") {
        await terminal.shows("again to leave");
        terminal.press(end);
      }
      // The shell waits until it was read: what is written just before the end is lost where this process is slow.
      await terminal.shows(new RegExp(`status ${status}\nisig ?\nicanon ?\necho`));
      expect([terminal.bracketedPaste, terminal.cursor.visible]).toEqual([false, true]);
      terminal.press("enter");
      await terminal.ended;
    }
  });

  for (const [name, status] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    test(`is as it was after ${name}, at the prompt and in an answer`, async ({ workspace, serve }) => {
      const { url } = await serve(stalling("Once"));
      for (const stage of ["prompt", "answer"]) {
        const terminal = TerminalSession.startShell(
          workspace,
          `draftstate chat --base-url ${url}; echo "status $?"; ${LOOK}; read -r`,
        );
        await terminal.shows(PROMPT);
        if (stage === "answer") {
          terminal.type("Hi");
          terminal.press("enter");
          await terminal.shows("Once");
        }
        const pid = await childOf(terminal.pid);
        process.kill(pid, name);
        // The shell waits until it was read: what is written just before the end is lost where this process is slow.
        await terminal.shows(new RegExp(`status ${status}\nisig ?\nicanon ?\necho`));
        expect([terminal.bracketedPaste, terminal.cursor.visible]).toEqual([false, true]);
        terminal.press("enter");
        await terminal.ended;
      }
    });
  }

  test("is given back by Ctrl-Z, and the answer continues with fg", async ({ workspace, serve }) => {
    const hand = byHand();
    const { url } = await serve(hand.script);
    const terminal = TerminalSession.startShell(
      workspace,
      `set -m; draftstate chat Hi --base-url ${url}; echo stopped; ${LOOK}; read -r; fg; echo "status $?"`,
    );
    const answer = await hand.answer;
    answer.text("Once");
    await terminal.shows("Once");
    terminal.press("ctrl-z");
    await terminal.shows(/stopped\nisig ?\nicanon ?\necho/);
    expect(terminal.cursor.visible).toBe(true);
    answer.text(" upon");
    terminal.press("enter");
    await terminal.shows("Once upon");
    answer.finish();
    answer.done();
    await terminal.ended;
    expect(terminal.scrollback).toContain("status 0");
  });
});

/** The process that a shell has started. */
async function childOf(pid: number): Promise<number> {
  return until(
    async () => {
      const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
      return children === "" ? undefined : Number(children.split(" ")[0]);
    },
    () => `a child of ${pid}`,
  );
}
