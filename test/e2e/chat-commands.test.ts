/** Slash commands, the picker, and coming back to what was cut off, as a person does it on a terminal. */
import { describe, expect } from "vitest";
import { deadUrl, saying } from "./servers.js";
import { TerminalSession } from "./terminal.js";
import type { Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROMPT = /^>$/m;

/** A terminal at its prompt; `ask` sends a line and waits for what it brings and the next prompt. */
async function chatting(
  workspace: Workspace,
  args: readonly string[],
): Promise<{
  terminal: TerminalSession;
  ask: (line: string, wanted: string) => Promise<void>;
  leave: () => Promise<void>;
}> {
  const terminal = TerminalSession.start(workspace, ["chat", ...args], { columns: 100, rows: 60 });
  await terminal.shows(PROMPT);
  return {
    terminal,
    ask: async (line, wanted) => {
      terminal.type(line);
      terminal.press("enter");
      await terminal.until(
        (screen) => screen.slice(screen.lastIndexOf(`> ${line}`)).includes(wanted),
        `${line} brings ${wanted}`,
      );
    },
    leave: async () => {
      terminal.press("ctrl-c", "ctrl-d");
      await terminal.ended;
    },
  };
}

async function contents(workspace: Workspace, id: string): Promise<unknown[]> {
  return (await workspace.show(id)).messages.map(({ content }) => content);
}

describe.concurrent("in a conversation", TIMEOUT, () => {
  test("/undo takes the last turn back, after a backup; /redo brings it back, and /restore once it is agreed to", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve(saying("First."), saying("Second."));
    const { ask, leave, terminal } = await chatting(workspace, ["--id", "tale", "--base-url", url]);
    await ask("one", "First.");
    await ask("two", "Second.");
    await ask("/undo", "> two");
    terminal.press("ctrl-u");
    await ask("/undo", "> one");
    terminal.press("ctrl-u");
    await ask("/redo", "brought the turn back");
    await ask("/redo", "brought the turn back");
    await ask("/redo", "nothing to redo");
    expect(await contents(workspace, "tale")).toEqual(["one", "First.", "two", "Second."]);
    await ask("/undo", "> two");
    terminal.press("ctrl-u");
    await ask("/diff", "- Second.");
    await ask("/restore", "@0");
    await ask("/restore @0", "[y/N]");
    terminal.type("n");
    terminal.press("enter");
    await terminal.shows("nothing was restored");
    await ask("/restore latest", "[y/N]");
    terminal.type("y");
    terminal.press("enter");
    await terminal.shows(/restored backup .*undoes it\n>$/);
    await leave();
    expect(await contents(workspace, "tale")).toEqual(["one", "First.", "two", "Second."]);
  });

  test("/retry asks again for the last answer, /save makes a backup, /diff shows what changed", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve(saying("First."), saying("Better."));
    const { ask, leave } = await chatting(workspace, ["--id", "tale", "--base-url", url]);
    await ask("one", "First.");
    await ask("/save draft", "tagged draft");
    await ask("/retry", "Better.");
    await ask("/diff", "+ Better.");
    await leave();
    expect([
      await contents(workspace, "tale"),
      (await workspace.show("tale", "--backup", "draft")).messages.at(-1)?.content,
    ]).toEqual([["one", "Better."], "First."]);
  });

  test("/edit writes a message in the editor, /copy asks the terminal, /search finds it, /retry offline tells another story", async ({
    workspace,
  }) => {
    const terminal = TerminalSession.start(workspace, ["chat", "--id", "tale"], {
      columns: 100,
      rows: 60,
      env: { EDITOR: "sed -i s/fox/heron/", PATH: "/bin:/usr/bin", SSH_TTY: "/dev/pts/9" },
    });
    await terminal.shows(PROMPT);
    terminal.type("/edit a grey fox");
    terminal.press("enter");
    await terminal.shows("> a grey heron");
    terminal.press("enter");
    await terminal.shows(/a grey heron[\s\S]+\n>$/);
    terminal.type("/copy");
    terminal.press("enter");
    await terminal.shows("copied the last answer");
    const [, first] = await contents(workspace, "tale");
    expect(terminal.bytes).toContain(`\u001b]52;c;${Buffer.from(String(first)).toString("base64")}\u0007`);
    terminal.type("/search heron");
    terminal.press("enter");
    await terminal.shows("found in 1 conversation");
    terminal.type("/retry");
    terminal.press("enter");
    await terminal.shows(/asking again[\s\S]+\n>$/);
    terminal.press("ctrl-d");
    await terminal.ended;
    expect((await contents(workspace, "tale"))[1]).not.toEqual(first);
  });

  test("/model changes who answers, /system what it is told, /title the name, and all are remembered", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(saying("First."));
    const { ask, leave } = await chatting(workspace, ["--id", "tale", "--base-url", server.url, "--model", "small"]);
    await ask("one", "First.");
    await ask("/model large", "openai:large");
    await ask("/system Be brief", "your next message");
    await ask("/title A tale", "A tale");
    await ask("two", "First.");
    await leave();
    expect(server.requests.at(-1)?.body).toMatchObject({
      model: "large",
      messages: [
        { role: "system", content: "Be brief" },
        { content: "one" },
        { content: "First." },
        { content: "two" },
      ],
    });
    await workspace.run(["chat", "-c", "three"], { env: { DRAFTSTATE_SYSTEM: "Be long", DRAFTSTATE_MODEL: "other" } });
    expect(server.requests.at(-1)?.body).toMatchObject({
      model: "large",
      messages: [{ content: "Be brief" }, {}, {}, {}, {}, { content: "three" }],
    });
    await workspace.run(["chat", "--resume", "@last", "four", "--system", "Be kind", "--model", "other"]);
    expect(server.requests.at(-1)?.body).toMatchObject({
      model: "other",
      messages: [{ content: "Be kind" }, {}, {}, {}, {}, {}, {}, { content: "four" }],
    });
    expect((await workspace.show("tale"))._metadata.title).toBe("A tale");
  });

  test("/fork continues in a copy, /new in a new one, and each stays itself", async ({ workspace, serve }) => {
    const { url } = await serve(saying("Yes."));
    const { ask, leave } = await chatting(workspace, ["--id", "tale", "--base-url", url]);
    await ask("one", "Yes.");
    await ask("/fork copy", "now in copy");
    await ask("two", "Yes.");
    await ask("/new other", "a new conversation");
    await ask("three", "Yes.");
    await leave();
    expect([
      await contents(workspace, "tale"),
      await contents(workspace, "copy"),
      await contents(workspace, "other"),
    ]).toEqual([
      ["one", "Yes."],
      ["one", "Yes.", "two", "Yes."],
      ["three", "Yes."],
    ]);
  });

  test("Tab completes commands, /help lists them, a wrong one is told what was probably meant, /exit leaves", async ({
    workspace,
  }) => {
    const { terminal, ask } = await chatting(workspace, []);
    terminal.type("/re");
    terminal.press("tab");
    await terminal.shows("/redo  /retry  /restore");
    terminal.type("t");
    terminal.press("tab");
    await terminal.shows("> /retry");
    terminal.press("enter");
    await terminal.shows("nothing was asked yet");
    await ask("/hlep", "did you mean /help?");
    for (const nothing of ["/undo", "/redo", "/save", "/fork", "/diff", "/restore", "/title", "/continue"])
      await ask(nothing, "\n>");
    await ask("/help", "/restore [ts]");
    terminal.type("/exit");
    terminal.press("enter");
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.screen).not.toContain("error: unexpected");
    expect(await workspace.ls()).toEqual([]);
  });

  test("a second terminal is told who has it", async ({ workspace }) => {
    const { ask, terminal, leave } = await chatting(workspace, ["--id", "tale"]);
    await ask("one", "\n>");
    const second = TerminalSession.start(workspace, ["chat", "--resume", "tale"], { columns: 200 });
    expect((await second.ended).status).toBe(5);
    expect(second.screen).toContain(String(terminal.pid));
    await leave();
  });
});

describe.concurrent("coming back", TIMEOUT, () => {
  /** Written as files of the draft, so that nothing but the picker is waited for; the newest first in its list. */
  async function threeConversations(workspace: Workspace): Promise<void> {
    for (const [index, id] of ["apple", "pear", "plum"].entries()) {
      const metadata = { conversationId: id, savedAt: `2026-01-14T21:3${index}:00.000Z`, version: "1.0.0-draft" };
      await workspace.write(
        `state/${id}.json`,
        JSON.stringify({
          messages: [
            { role: "user", content: `About ${id}\u001b[31m` },
            { role: "assistant", content: "Yes." },
          ],
          _metadata: metadata,
        }),
      );
    }
  }

  test("--resume without an id lets one choose by arrow keys, and shows no title raw", async ({ workspace }) => {
    await threeConversations(workspace);
    const terminal = TerminalSession.start(workspace, ["chat", "--resume"]);
    await terminal.shows("3 conversations");
    terminal.press("down", "down", "enter");
    await terminal.shows(/About apple[\s\S]*\n>$/);
    expect(terminal.bytes).not.toContain("apple\u001b[31m");
  });

  test("--resume without an id lets one choose by typing", async ({ workspace }) => {
    await threeConversations(workspace);
    const terminal = TerminalSession.start(workspace, ["chat", "--resume"]);
    await terminal.shows("3 conversations");
    terminal.type("pea");
    await terminal.shows("1 conversation ");
    terminal.press("enter");
    await terminal.shows(/About pear[\s\S]*\n>$/);
  });

  test("--resume without an id is left with Esc, and is wrong usage on a pipe", async ({ workspace }) => {
    await threeConversations(workspace);
    const terminal = TerminalSession.start(workspace, ["chat", "--resume"]);
    await terminal.shows("3 conversations");
    terminal.press("escape");
    expect([(await terminal.ended).status, (await workspace.run(["chat", "--resume"])).status]).toEqual([130, 2]);
  });

  for (const [key, left] of [
    ["k", ["Hi", "Once"]],
    ["c", ["Hi", "Once", "More."]],
    ["r", ["Hi", "More."]],
    ["d", ["Hi"]],
    ["q", []],
  ] as const) {
    test(`to an answer that was cut off, ${key} leaves ${JSON.stringify(left)}`, async ({ workspace, serve }) => {
      const { url } = await serve((answer) => {
        answer.text("Once");
        answer.close();
      }, saying("More."));
      await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url]);
      const terminal = TerminalSession.start(workspace, ["chat", "-c"]);
      await terminal.shows(/discard\? \(c\)\n\?$/);
      terminal.type(key);
      terminal.press("enter");
      await terminal.shows(PROMPT);
      terminal.press("ctrl-d");
      await terminal.ended;
      expect(await contents(workspace, "tale")).toEqual(left);
    });
  }

  test("while a server is busy or not there, what is going on is said", async ({ workspace, serve }) => {
    const { url } = await serve(
      (answer) => {
        answer.respond(503, "application/json", "{}");
      },
      async (answer) => {
        answer.begin();
        await answer.abandoned;
      },
    );
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url], {
      env: { DRAFTSTATE_MODEL_RETRIES: "2" },
    });
    await terminal.shows("the server failed (503); retrying (1 of 2)");
    await terminal.shows("waiting for the first token");
    terminal.press("ctrl-c");
    expect((await terminal.ended).status).toBe(130);
  });

  test("that a server is not there is said on stderr too, before it is tried again", async ({ workspace }) => {
    const result = await workspace.run(["chat", "Hi", "--base-url", await deadUrl()], {
      env: { DRAFTSTATE_MODEL_RETRIES: "1" },
    });
    expect([
      result.status,
      result.stderr.includes("the connection is refused; retrying (1 of 1)"),
      result.stdout,
    ]).toEqual([6, true, ""]);
  });

  test("tool calls and their results are shown, a line each", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.chunk({
        choices: [
          {
            index: 0,
            delta: {
              role: "assistant",
              tool_calls: [
                {
                  index: 0,
                  id: "call-1",
                  type: "function",
                  function: { name: "weather", arguments: '{"city":"\\u001b[31mParis"}' },
                },
              ],
            },
            finish_reason: null,
          },
        ],
      });
      answer.finish("tool_calls");
      answer.done();
    }, saying("It rains."));
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url]);
    await terminal.ended;
    expect(terminal.screen).toMatch(/⚙ weather\(\{"city":.*Paris"\}\)\n {2}[→✗] .+\nIt rains\./);
    expect(terminal.bytes).not.toContain("\u001b[31m");
  });
});

describe.concurrent("Markdown", TIMEOUT, () => {
  const TEXT =
    "# Title\n\nSome **bold** and `code` and [a link](http://x.y).\n\n- one\n- two\n\n| a | b |\n|---|--:|\n| long cell | 2 |\n\n```js\nconst x = 1;\n```\nEnd.\n";
  const tokens = TEXT.match(/[\s\S]{1,3}/g) ?? [];

  test("is readable on a terminal, however it was cut", async ({ workspace, serve }) => {
    const { url } = await serve(saying(...tokens));
    const terminal = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url]);
    await terminal.ended;
    expect(terminal.screen).toContain(
      "Title\n\nSome bold and code and a link (http://x.y).\n\n• one\n• two\n\na          b\n─────────  ─\nlong cell  2\n\n```js\nconst x = 1;\n```\nEnd.",
    );
    expect(terminal.styled("bold")).toContain("bold");
  });

  test("stays as it is with --plain, without colours and in pipes", async ({ workspace, serve }) => {
    const { url } = await serve(saying(...tokens));
    const plain = TerminalSession.start(workspace, ["chat", "Hi", "--plain", "--base-url", url]);
    const colourless = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url], { env: { NO_COLOR: "1" } });
    const dumb = TerminalSession.start(workspace, ["chat", "Hi", "--base-url", url], { env: { TERM: "dumb" } });
    for (const terminal of [plain, colourless, dumb]) {
      await terminal.ended;
      expect(terminal.screen).toContain(TEXT.trimEnd());
    }
    expect(dumb.bytes).not.toContain("\u001b");
    expect(colourless.bytes).not.toMatch(/\u001b\[\d*m/);
    expect((await workspace.run(["chat", "Hi", "--base-url", url])).stdout).toBe(TEXT);
  });
});
