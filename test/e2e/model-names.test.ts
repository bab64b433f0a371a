/** `/model` with a name that nobody knows: what is known is said, and the server is asked where there is one. */
import { expect } from "vitest";
import { TerminalSession } from "./terminal.js";
import { test, TIMEOUT } from "./world.js";

test(
  "/model says what is known of a name that nobody knows, and takes what the server offers",
  TIMEOUT,
  async ({ workspace, serve }) => {
    await workspace.write(".config/draftstate/config.json", JSON.stringify({ models: { smart: "ollama:m" } }));
    const { url, requests } = await serve((answer) => {
      answer.respond(200, "application/json", JSON.stringify({ data: [{ id: "qwen3:8b" }] }));
    });
    const terminal = TerminalSession.start(workspace, ["chat", "--model", "offline"], { columns: 120 });
    await terminal.shows(">");
    terminal.type("/model nonsense");
    terminal.press("enter");
    await terminal.shows(/no model "nonsense" is known: known are smart, offline, anthropic:/);
    terminal.press("ctrl-d");
    await terminal.ended;

    const asking = TerminalSession.start(workspace, ["chat", "--base-url", url, "--model", "qwen3"], { columns: 120 });
    await asking.shows(">");
    asking.type("/model qwen4:8b");
    asking.press("enter");
    await asking.shows(/no model "qwen4:8b" is known: did you mean qwen3:8b\?/);
    asking.type("/model qwen3");
    asking.press("enter");
    await asking.shows("from now on: openai:qwen3");
    asking.press("ctrl-d");
    await asking.ended;
    expect(requests).toHaveLength(2);
  },
);
