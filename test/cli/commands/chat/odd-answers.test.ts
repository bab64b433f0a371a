/** Servers whose streams are odd, broken or hostile: what they send is the answer, or an error, and never silently nothing. */
import { describe, expect } from "vitest";
import type { Result, Workspace } from "../../../e2e/cli.js";
import type { Answer } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const MIB = 2 ** 20;

function delta(answer: Answer, fields: object): void {
  answer.chunk({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
}

function end(answer: Answer, reason = "stop"): void {
  answer.finish(reason);
  answer.done();
}

function ask(workspace: Workspace, url: string, ...more: readonly string[]): Promise<Result> {
  return workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url, ...more], {
    env: { DRAFTSTATE_MODEL_RETRIES: "2" },
  });
}

async function answerOf(workspace: Workspace): Promise<Record<string, unknown>> {
  return (await workspace.show("tale")).messages[1] as unknown as Record<string, unknown>;
}

describe.concurrent("an odd stream", TIMEOUT, () => {
  test("without roles is an answer all the same", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      for (const content of ["hello ", "brave ", "world"]) delta(answer, { content });
      end(answer);
    });
    expect(await ask(workspace, url)).toMatchObject({ status: 0, stdout: "hello brave world\n" });
    expect(await answerOf(workspace)).toMatchObject({ content: "hello brave world", status: "complete" });
  });

  test("with other roles than the assistant's is the answer's text", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      for (const role of ["assistant", "user", "system", "developer", "tool", "function", "e"])
        delta(answer, { role, content: `${role} ` });
      end(answer);
    });
    const text = "assistant user system developer tool function e ";
    expect(await ask(workspace, url)).toMatchObject({ status: 0, stdout: `${text}\n` });
    expect(await answerOf(workspace)).toMatchObject({ content: text, status: "complete" });
  });

  for (const [name, fields] of Object.entries({
    "a refusal": { refusal: "I will not" },
    "blocks of text and refusal": {
      content: ["I ", { type: "text", text: "will " }, { type: "refusal", refusal: "not" }],
    },
  })) {
    test(`with ${name} is what the reader is told`, async ({ workspace, serve }) => {
      const { url } = await serve((answer) => {
        delta(answer, fields);
        end(answer);
      });
      expect(await ask(workspace, url)).toMatchObject({ status: 0, stdout: "I will not\n" });
    });
  }

  test("with whole messages in place of deltas is an answer", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.chunk({
        choices: [{ index: 0, message: { role: "assistant", content: "whole" }, finish_reason: "stop" }],
      });
      answer.done();
    });
    expect(await ask(workspace, url)).toMatchObject({ status: 0, stdout: "whole\n" });
  });

  for (const content of [12345, true, { a: 1 }, [{ type: "image_url", image_url: "x" }], [{ type: "text", text: 5 }]]) {
    test(`with content ${JSON.stringify(content)} is an error that keeps the text so far, and stdout holds that alone`, async ({
      workspace,
      serve,
    }) => {
      const { url } = await serve((answer) => {
        delta(answer, { role: "assistant", content: "so far" });
        delta(answer, { role: "assistant", content });
        end(answer);
      });
      expect(await ask(workspace, url)).toMatchObject({ status: 6, stdout: "so far\n" });
      expect(await answerOf(workspace)).toMatchObject({ content: "so far", status: "error", error: { code: "MODEL" } });
    });
  }

  test("with reasoning and no answer is an error", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      delta(answer, { role: "assistant", reasoning_content: "hmm" });
      end(answer, "length");
    });
    expect((await ask(workspace, url)).status).toBe(6);
    expect(await answerOf(workspace)).toMatchObject({ status: "error", error: { code: "MODEL" } });
  });

  test("with a tool call of broken JSON keeps the call and says so; stdout is lines of JSON, stderr no advertisement; it continues validly", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(
      (answer) => {
        delta(answer, {
          role: "assistant",
          content: null,
          tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "weather", arguments: '{"a":' } }],
        });
        delta(answer, { tool_calls: [{ index: 0, function: { arguments: "broken" } }] });
        end(answer, "tool_calls");
      },
      (answer) => {
        answer.whole(["Fine"]);
      },
    );
    const result = await ask(workspace, server.url, "--json");
    const types = result.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect([result.status, types.at(-1)]).toEqual([6, "end"]);
    expect(result.stdout + result.stderr).not.toMatch(/LangChain|pnpm/);
    expect(await answerOf(workspace)).toMatchObject({
      status: "error",
      toolCalls: [{ id: "c1", name: "weather", args: { input: '{"a":broken' }, error: { code: "TOOL" } }],
    });
    expect((await workspace.run(["show", "tale"])).stdout).toContain("broken");
    await workspace.run(["chat", "Again", "--resume", "tale"]);
    expect(server.lastMessages.map(({ role }) => role)).toEqual(["user"]);
  });

  const callsWeather = (answer: Answer): void => {
    delta(answer, {
      role: "assistant",
      content: null,
      tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "weather", arguments: "{}" } }],
    });
    end(answer, "tool_calls");
  };

  test("of one id with the answer before it is another answer", async ({ workspace, serve }) => {
    const { url } = await serve(callsWeather, callsWeather, (answer) => {
      delta(answer, { content: "Fine" });
      end(answer);
    });
    expect((await ask(workspace, url)).status).toBe(0);
    expect(
      (await workspace.show("tale")).messages.map(({ role, content }) => [role, role === "tool" ? "" : content]),
    ).toEqual([
      ["user", "Hi"],
      ["assistant", ""],
      ["tool", ""],
      ["assistant", ""],
      ["tool", ""],
      ["assistant", "Fine"],
    ]);
  });

  test("that asks for tools for ever is stopped, and all of it kept", async ({ workspace, serve }) => {
    const { url } = await serve(callsWeather);
    const { status, stderr } = await ask(workspace, url);
    expect([status, stderr]).toEqual([
      6,
      expect.stringContaining("the model asked for tools 25 times in one turn, and was stopped"),
    ]);
    expect((await workspace.show("tale")).messages.filter(({ role }) => role === "tool")).toHaveLength(25);
  });

  test("with a function call of the old protocol, broken, keeps it too", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      delta(answer, { role: "assistant", function_call: { name: "weather", arguments: "{" } });
      end(answer, "function_call");
    });
    expect((await ask(workspace, url)).status).toBe(6);
    expect(await answerOf(workspace)).toMatchObject({
      status: "error",
      toolCalls: [{ name: "weather", args: { input: "{" } }],
    });
  });

  test("without an end of the line is left at the limit, with an error that names it", async ({ workspace, serve }) => {
    const { url } = await serve(async (answer) => {
      answer.text("seen ");
      answer.raw("data: ");
      let gone = false;
      const left = answer.abandoned.then(() => {
        gone = true;
      });
      for (let sent = 0; sent < 200 && !gone; sent += 1) {
        answer.raw("x".repeat(MIB));
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
      await left;
    });
    const result = await ask(workspace, url);
    expect(result).toMatchObject({ status: 6, stdout: "seen \n" });
    expect(result.stderr).toContain("64 MiB");
  });

  test("with one token of 20 MB is an answer", async ({ workspace, serve }) => {
    const { url } = await serve((answer) => {
      answer.text("A".repeat(20_000_000));
      end(answer);
    });
    const result = await ask(workspace, url);
    expect([result.status, result.stdout.length]).toEqual([0, 20_000_001]);
  });

  for (const status of [400, 401, 403, 404, 429]) {
    test(`that is refused with ${status} is not asked again, and nobody says that it is`, async ({
      workspace,
      serve,
    }) => {
      const server = await serve((answer) => {
        answer.respond(status, "application/json", '{"error":{"message":"no","code":"insufficient_quota"}}');
      });
      const result = await ask(workspace, server.url);
      expect([result.status, server.requests.length, result.stderr.includes("retrying")]).toEqual([6, 1, false]);
    });
  }

  test("after a failure that passes is asked again, and that is said as often as it is done", async ({
    workspace,
    serve,
  }) => {
    const server = await serve(
      (answer) => {
        answer.respond(500, "application/json", '{"error":{"message":"no"}}');
      },
      (answer) => {
        answer.whole(["Fine"]);
      },
    );
    const result = await ask(workspace, server.url);
    expect([result.status, server.requests.length, result.stderr.match(/retrying/g)?.length]).toEqual([0, 2, 1]);
  });
});
