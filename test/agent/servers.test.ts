/** Servers that keep to OpenAI's protocol only so far, and models of LangChain's that are no server: how each answer ends, in whose words. */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { FakeListChatModel, FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { afterEach, describe, expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { createOpenAIModel } from "../../src/agent/models/openai.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { Message } from "../../src/model/conversation.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { ScriptedServer, type Script } from "../e2e/servers.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** The message that a turn with this model leaves, and the error that its caller got. */
async function ask(model: BaseChatModel): Promise<{ answer: Message | undefined; error: string }> {
  const manager = createDraftStatePersistenceManager({
    storage: new MemoryStorage({ now: () => new Date(), command: "test" }),
    autoSave: false,
  });
  const agent = new DraftHybridStreamingAgent({ model, manager });
  let error = "";
  try {
    for await (const _state of agent.streamConversation("Hello", { conversationId: "tale" }));
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const messages = (await manager.loadState("tale"))?.messages ?? [];
  await manager.close();
  return { answer: messages.find(({ role }) => role === "assistant"), error };
}

async function serve(script: Script, retries = 0): Promise<{ model: BaseChatModel; server: ScriptedServer }> {
  const server = await ScriptedServer.start(script);
  closers.push(() => server.stop());
  const model = createOpenAIModel({ model: "m", apiKey: "k", baseUrl: server.url, retries, onRequest: undefined });
  return { model, server };
}

describe("an answer of a server", () => {
  test("is finished by [DONE], though the connection stays open", async () => {
    const { model } = await serve((answer) => {
      answer.text("Hi");
      answer.finish();
      answer.raw("data: [DONE]\n\n");
    });
    expect((await ask(model)).answer).toMatchObject({ content: "Hi", status: "complete", finishReason: "stop" });
  });

  test("has one finish reason, the first, however often it is said", async () => {
    const { model } = await serve((answer) => {
      answer.text("Hi");
      answer.finish("length");
      answer.finish("stop");
      answer.done();
    });
    expect((await ask(model)).answer).toMatchObject({ status: "complete", finishReason: "length" });
  });

  test.for(["error", "abort"])("that ends with %s is an error, and keeps its text", async (reason) => {
    const { model } = await serve((answer) => {
      answer.text("Hal");
      answer.finish(reason);
      answer.done();
    });
    const { answer, error } = await ask(model);
    expect([answer?.content, answer?.status]).toEqual(["Hal", "error"]);
    expect(error).toContain(reason);
  });

  test("without a finish reason has broken off", async () => {
    const { model } = await serve((answer) => {
      answer.text("Hal");
      answer.close();
    });
    expect((await ask(model)).answer).toMatchObject({ content: "Hal", status: "interrupted" });
  });

  test.for([
    ["application/json", "complete"],
    ["text/plain", "complete"],
  ] as const)("may be whole where a stream was asked for (%s)", async ([type]) => {
    const { model } = await serve((answer) => {
      const message = { role: "assistant", content: "All at once." };
      answer.respond(200, type, JSON.stringify({ id: "c", choices: [{ index: 0, message, finish_reason: "stop" }] }));
    });
    expect((await ask(model)).answer).toMatchObject({ content: "All at once.", status: "complete" });
  });

  test("is a stream although its content type says something else", async () => {
    const { model } = await serve((answer) => {
      const chunk = { id: "c", choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: "stop" }] };
      answer.respond(200, "application/json", `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
    });
    expect((await ask(model)).answer).toMatchObject({ content: "Hi", status: "complete" });
  });
});

describe("the server's own words reach the user:", () => {
  const WORDS = "the model has no more room";
  test.for<[string, Script]>([
    [
      "an error: line",
      (answer) => {
        answer.raw(`error: {"message":"${WORDS}"}\n\n`);
        answer.close();
      },
    ],
    [
      "an error: line without JSON",
      (answer) => {
        answer.text("Hal");
        answer.raw(`error: ${WORDS}\n\n`);
        answer.close();
      },
    ],
    [
      "an object that says it is an error",
      (answer) => {
        answer.raw(`data: {"object":"error","message":"${WORDS}","code":400}\n\n`);
        answer.done();
      },
    ],
    [
      "an error event",
      (answer) => {
        answer.raw(`event: error\ndata: {"error":{"message":"${WORDS}"}}\n\n`);
        answer.done();
      },
    ],
    [
      "an error in a chunk",
      (answer) => {
        answer.raw(`data: {"error":{"message":"${WORDS}"}}\n\n`);
        answer.done();
      },
    ],
    [
      "JSON with status 200",
      (answer) => {
        answer.respond(200, "application/json", `{"error":"${WORDS}"}`);
      },
    ],
    [
      "a page with status 200",
      (answer) => {
        answer.respond(200, "text/html", `<!DOCTYPE html><title>x</title><p>${WORDS}</p>`);
      },
    ],
    [
      "a page with status 502",
      (answer) => {
        answer.respond(502, "text/html", `<html><body><h1>${WORDS}</h1></body></html>`);
      },
    ],
    [
      "FastAPI's detail",
      (answer) => {
        answer.respond(422, "application/json", `{"detail":[{"loc":["body","model"],"msg":"${WORDS}"}]}`);
      },
    ],
    [
      "FastAPI's detail as text",
      (answer) => {
        answer.respond(400, "application/json", `{"detail":"${WORDS}"}`);
      },
    ],
    [
      "OpenAI's error",
      (answer) => {
        answer.respond(400, "application/json", `{"error":{"message":"${WORDS}","type":"x"}}`);
      },
    ],
  ])("%s", async ([, script]) => {
    const { model } = await serve(script);
    const { error } = await ask(model);
    expect(error).toContain(WORDS);
    expect(error).not.toMatch(/[<>]|no body/);
  });

  test("a request that is refused for what it holds is not sent again", async () => {
    const { model, server } = await serve((answer) => {
      answer.respond(422, "application/json", '{"detail":"no"}');
    }, 3);
    await ask(model);
    expect(server.requests).toHaveLength(1);
  });

  test("a key that no header can carry is named before anything is sent", () => {
    const create = (apiKey: string) => () =>
      createOpenAIModel({ model: "m", apiKey, baseUrl: undefined, retries: 0, onRequest: undefined });
    expect(create("sk-…")).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", path: "OPENAI_API_KEY" }));
    expect(create("sk-a\u0000b")).toThrow(/OPENAI_API_KEY/);
    expect(create("sk-good\n")).not.toThrow();
  });
});

class OnlyGenerates extends SimpleChatModel {
  override _llmType(): string {
    return "only-generates";
  }

  override async _call(): Promise<string> {
    return "All of it.";
  }
}

class BedrockLike extends FakeStreamingChatModel {
  override async *_streamResponseChunks(): AsyncGenerator<ChatGenerationChunk> {
    yield new ChatGenerationChunk({ text: "Hi", message: new AIMessageChunk("Hi") });
    const end = new AIMessageChunk({ content: "", response_metadata: { messageStop: { stopReason: "end_turn" } } });
    yield new ChatGenerationChunk({ text: "", message: end });
  }
}

describe("a model of LangChain's ends complete, whether it says why or not:", () => {
  test.for<[string, () => BaseChatModel, string]>([
    ["FakeListChatModel", () => new FakeListChatModel({ responses: ["One answer."] }), "One answer."],
    [
      "FakeStreamingChatModel",
      () => new FakeStreamingChatModel({ chunks: [new AIMessageChunk("One "), new AIMessageChunk("answer.")] }),
      "One answer.",
    ],
    ["one that only generates", () => new OnlyGenerates({}), "All of it."],
    ["one that stops as Bedrock does", () => new BedrockLike({}), "Hi"],
  ])("%s", async ([, create, content]) => {
    const { answer, error } = await ask(create());
    expect([error, answer?.content, answer?.status]).toEqual(["", content, "complete"]);
  });
});
