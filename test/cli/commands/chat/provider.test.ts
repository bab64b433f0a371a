/** Providers that fail: the exit status, one line on stderr, the user's message kept, and the key nowhere. */
import { describe, expect } from "vitest";
import type { Result, Workspace } from "../../../e2e/cli.js";
import { deadUrl, mockUrl } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const KEY = "sk-proj-e2eSecret_0123456789abcdefghij";
const OTHER_KEY = "plain-secret-without-a-prefix";

function errorLines({ stderr }: Result): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("error:"));
}

function hasStack({ stderr }: Result): boolean {
  return /^\s+at .+:\d+/m.test(stderr);
}

function ask(workspace: Workspace, url: string, env: Readonly<Record<string, string>> = {}): Promise<Result> {
  return workspace.run(["chat", "Tell me a story", "--id", "tale", "--base-url", url], { env });
}

describe.concurrent("a provider that fails", TIMEOUT, () => {
  test("for a moment only (429) is asked again, and the answer is complete and there once", async ({
    workspace,
    mock,
  }) => {
    mock.onMessage("story", { content: "Once upon a time" });
    mock.nextRequestError(429, { message: "slow down", type: "rate_limit_error" });
    const result = await ask(workspace, mockUrl(mock), { DRAFTSTATE_MODEL_RETRIES: "2" });
    const shown = await workspace.show("tale");
    expect([result.status, result.stdout, shown.messages.length, shown._metadata.status]).toEqual([
      0,
      "Once upon a time\n",
      2,
      "complete",
    ]);
    expect(mock.getRequests().map(({ response }) => response.status)).toEqual([429, 200]);
  });

  test("with 500 makes an error that keeps the question, exit 6, one line, no stack", async ({ workspace, mock }) => {
    mock.onMessage("story", { error: { message: "it broke", type: "server_error" }, status: 500 });
    const result = await ask(workspace, mockUrl(mock));
    expect([result.status, result.stdout.trim(), errorLines(result).length, hasStack(result)]).toEqual([
      6,
      "",
      1,
      false,
    ]);
    expect((await workspace.show("tale")).messages).toMatchObject([
      { role: "user", content: "Tell me a story" },
      { role: "assistant", content: "", status: "error", error: { code: "MODEL" } },
    ]);
  });

  test("with 500 and is resumed later is asked with a valid sequence of turns", async ({ workspace, serve }) => {
    const server = await serve(
      (answer) => {
        answer.respond(500, "application/json", '{"error":{"message":"it broke"}}');
      },
      (answer) => {
        answer.whole(["Fine", " now"]);
      },
    );
    await ask(workspace, server.url);
    const result = await workspace.run(["chat", "--resume", "tale"]);
    expect([result.status, result.stdout, server.lastMessages]).toEqual([
      0,
      "Fine now\n",
      [{ role: "user", content: "Tell me a story" }],
    ]);
  });

  for (const key of [KEY, OTHER_KEY]) {
    test(`refuses a key (401) and says it back: exit 6, and the key ${key.slice(0, 5)}… is in no stream and no file`, async ({
      workspace,
      serve,
    }) => {
      const { url } = await serve((answer) => {
        const error = {
          message: `Incorrect API key provided: ${key}. Header was Bearer ${key}`,
          type: "invalid_request_error",
          code: "invalid_api_key",
        };
        answer.respond(401, "application/json", JSON.stringify({ error }));
      });
      const result = await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url, "--json", "--verbose"], {
        env: { OPENAI_API_KEY: key },
      });
      const everything = [["stdout", result.stdout], ["stderr", result.stderr], ...(await workspace.files())] as const;
      expect(everything.length).toBeGreaterThan(3);
      expect([result.status, everything.filter(([, text]) => text?.includes(key)).map(([where]) => where)]).toEqual([
        6,
        [],
      ]);
    });
  }

  test("that is down makes an error that keeps the question, exit 6, one line, no stack", async ({ workspace }) => {
    const result = await ask(workspace, await deadUrl());
    expect([result.status, errorLines(result).length, hasStack(result)]).toEqual([6, 1, false]);
    expect((await workspace.show("tale")).messages[0]).toMatchObject({ role: "user", content: "Tell me a story" });
    expect(await workspace.row("tale")).toMatchObject({ status: "error" });
  });

  test("with a stream of no chunk at all makes an error, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.done();
    });
    const result = await ask(workspace, url);
    expect([result.status, (await workspace.row("tale"))?.status]).toEqual([6, "error"]);
  });

  test("with a connection closed at once makes an error, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.close();
    });
    const result = await ask(workspace, url);
    expect([result.status, (await workspace.row("tale"))?.status]).toEqual([6, "error"]);
  });

  test("with a malformed body makes an error, exit 6, one line, no stack", async ({ workspace, mock }) => {
    mock.onMessage("story", { content: "Once" }, { chaos: { malformedRate: 1 } });
    const result = await ask(workspace, mockUrl(mock));
    expect([result.status, errorLines(result).length, hasStack(result), (await workspace.row("tale"))?.status]).toEqual(
      [6, 1, false, "error"],
    );
  });

  test("with a web page in place of a stream makes an error, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.respond(200, "text/html", "<!doctype html>\n<title>Log in</title>\n");
    });
    const result = await ask(workspace, url);
    expect([result.status, (await workspace.row("tale"))?.status]).toEqual([6, "error"]);
  });

  test("with an error inside the stream makes an error, exit 6", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.raw('data: {"error":{"message":"out of memory","code":500}}\n\n');
      answer.done();
    });
    const result = await ask(workspace, url);
    expect([result.status, (await workspace.row("tale"))?.status]).toEqual([6, "error"]);
  });

  test("for want of key and server is never asked: exit 6", async ({ workspace }) => {
    expect((await workspace.run(["chat", "Hi", "--model", "openai:gpt-x"])).status).toBe(6);
  });
});
