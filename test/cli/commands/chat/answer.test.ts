/** A plain answer through a server that speaks OpenAI's protocol: what is printed, what is kept, what the server is asked. */
import type { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Result, Workspace } from "../../../e2e/cli.js";
import { InProcess } from "../../world.js";
import { chunksOf, mockUrl, startMock } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const STORY = "Once there was a lighthouse: 灯台 🗼, and it blinked.\nThe end.";
const KEY = "sk-test-abcdef0123456789";

describe("an answer, without a key, from a server of one's own", TIMEOUT, () => {
  let workspace: Workspace;
  let mock: LLMock;
  let result: Result;

  beforeAll(async () => {
    [workspace, mock] = [await InProcess.create(), await startMock()];
    mock.onMessage("story", { content: STORY });
    result = await workspace.run([
      "chat",
      "Tell me a story",
      "--id",
      "tale",
      "--base-url",
      mockUrl(mock),
      "--model",
      "test-model",
    ]);
  }, TIMEOUT.timeout);
  afterAll(async () => {
    await mock.stop();
    await workspace.remove();
  });

  test("is alone on stdout, to the byte", () => {
    expect([result.status, result.stdout]).toEqual([0, `${STORY}\n`]);
  });

  test("is asked for by model, as a stream, without stream_options, which many compatible servers refuse", () => {
    expect(mock.getLastRequest()?.body).toMatchObject({
      model: "test-model",
      stream: true,
      messages: [{ role: "user", content: "Tell me a story" }],
    });
    expect(mock.getLastRequest()?.body).not.toHaveProperty("stream_options");
  });

  test("is listed as complete, with its model and its tokens", async () => {
    expect(await workspace.ls()).toMatchObject([
      {
        conversationId: "tale",
        title: "Tell me a story",
        status: "complete",
        messageCount: 2,
        tokenCount: chunksOf(STORY).length,
        model: "openai:test-model",
        backupCount: 1,
      },
    ]);
  });

  test("is shown with the same text, its status and its model", async () => {
    expect(await workspace.show("tale")).toMatchObject({
      messages: [
        { role: "user", content: "Tell me a story" },
        { role: "assistant", content: STORY, status: "complete", model: "openai:test-model", finishReason: "stop" },
      ],
      currentNarrative: STORY,
      streamingProperties: { streamingProgress: 100, tokenCount: chunksOf(STORY).length },
      _metadata: { version: "1.0.0", conversationId: "tale", status: "complete", title: "Tell me a story" },
    });
  });
});

describe.concurrent("an answer from any compatible server", TIMEOUT, () => {
  test("keeps the usage that a server sends unasked", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.text("Hello");
      answer.finish();
      answer.chunk({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 1, total_tokens: 13 } });
      answer.done();
    });
    await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", server.url]);
    expect((await workspace.show("tale")).messages.at(-1)?.usage).toEqual({ inputTokens: 12, outputTokens: 1 });
  });

  test("sends the key to the server as it is", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.whole(["Hello"]);
    });
    await workspace.run(["chat", "Hi", "--base-url", server.url], { env: { OPENAI_API_KEY: KEY } });
    expect(server.requests[0]?.headers["authorization"]).toBe(`Bearer ${KEY}`);
  });

  test("comes from OPENAI_BASE_URL where no flag names a server", async ({ workspace, mock }) => {
    mock.onMessage("Hi", { content: "Hello from there" });
    const result = await workspace.run(["chat", "Hi"], { env: { OPENAI_BASE_URL: mockUrl(mock) } });
    expect([result.status, result.stdout]).toEqual([0, "Hello from there\n"]);
  });

  test("sends the system prompt first", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.whole(["Hello"]);
    });
    await workspace.run(["chat", "Hi", "--base-url", server.url, "--system", "Be brief"]);
    expect(server.lastMessages).toEqual([
      { role: "system", content: "Be brief" },
      { role: "user", content: "Hi" },
    ]);
  });

  test("that comes as content blocks is complete, with their text", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.text([{ type: "text", text: "Once " }]);
      answer.text([
        { type: "text", text: "upon" },
        { type: "text", text: " a time" },
      ]);
      answer.finish();
      answer.done();
    });
    const result = await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", server.url]);
    const answer = (await workspace.show("tale")).messages.at(-1);
    expect([result.status, result.stdout, answer?.content, answer?.status]).toEqual([
      0,
      "Once upon a time\n",
      "Once upon a time",
      "complete",
    ]);
  });

  test("stays with the same server when the conversation is resumed without naming it", async ({
    workspace,
    serve,
  }) => {
    const server = await serve((answer) => {
      answer.whole(["Hello"]);
    });
    await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", server.url, "--model", "test-model"]);
    await workspace.run(["chat", "And then?", "--resume", "tale"]);
    expect(server.lastMessages.map(({ content }) => content)).toEqual(["Hi", "Hello", "And then?"]);
  });

  test("prints control characters of the model visibly, and keeps them unchanged", async ({ workspace, serve }) => {
    const server = await serve((answer) => {
      answer.whole(["a\u001b", "[31mb"]);
    });
    const result = await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", server.url]);
    expect(result.stdout.includes("\u001b")).toBe(false);
    expect((await workspace.show("tale")).messages.at(-1)?.content).toBe("a\u001b[31mb");
  });
});
