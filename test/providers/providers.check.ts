/**
 * A model of each provider through LangChain's real package for it, against a server that speaks that provider's protocol. The packages have a copy of
 * LangChain's core of their own here.
 */
import { createRequire } from "node:module";
import { DynamicStructuredTool } from "@langchain/core/tools";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { selectModel } from "../../src/agent/models/select.js";
import type { TurnEvent } from "../../src/agent/turn.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { anthropic, bedrock, Double, google, mistral, ollama, type Protocol, type Turn } from "./doubles.js";

const load = createRequire(import.meta.url);
const KEY = "secret-key-of-the-test";
const ENV = {
  ANTHROPIC_API_KEY: KEY,
  GOOGLE_API_KEY: KEY,
  MISTRAL_API_KEY: KEY,
  AWS_ACCESS_KEY_ID: "AKIA",
  AWS_SECRET_ACCESS_KEY: KEY,
  AWS_REGION: "us-east-1",
};
const PROVIDERS = [
  {
    provider: "anthropic",
    protocol: anthropic,
    finish: "end_turn",
    options: { thinking: { type: "enabled", budget_tokens: 1024 } },
  },
  { provider: "google-genai", protocol: google, finish: "STOP", options: {} },
  { provider: "ollama", protocol: ollama, finish: "stop", options: { think: true } },
  { provider: "bedrock", protocol: bedrock, finish: "end_turn", options: {} },
  { provider: "mistralai", protocol: mistral, finish: "stop", options: {} },
] as const;

type Case = Omit<(typeof PROVIDERS)[number], "protocol"> & { readonly protocol: Protocol };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(closers.splice(0).map((close) => close()));
});

const redirectTo =
  (other: Double): Protocol =>
  (_turn, response, { path }) => {
    response.writeHead(307, { location: `${other.url}${path}` }).end();
  };

async function ask(one: Case, turns: readonly Turn[], signal?: AbortSignal) {
  const double = await Double.start(one.protocol, turns);
  closers.push(() => double.stop());
  return turnWith(one, double, turns, { signal, prompt: "So?", storage: newStorage() });
}

const newStorage = (): MemoryStorage => new MemoryStorage({ now: () => new Date(), command: "test" });

interface Asking {
  readonly signal?: AbortSignal | undefined;
  readonly prompt: string | undefined;
  readonly storage: MemoryStorage;
  readonly approve?: () => "run" | "stop";
}

/** As a process of its own: with a model and a manager of its own. */
async function turnWith(
  { provider, options }: Case,
  double: Double,
  turns: readonly Turn[],
  { signal, prompt, storage, approve }: Asking,
) {
  for (const [name, value] of Object.entries(ENV)) vi.stubEnv(name, value);
  vi.stubEnv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", double.url);
  // Would lead keys and conversations to another host.
  vi.stubEnv("LANGSMITH_GATEWAY", "http://127.0.0.1:1");
  const selected = await selectModel({
    model: `${provider}:m`,
    baseUrl: provider === "bedrock" ? undefined : double.url,
    apiKey: undefined,
    env: ENV,
    temperature: "thinking" in options ? undefined : 0.5,
    maxTokens: 4000,
    options,
    load,
    seed: 0,
    offlineTokenDelay: 0,
    modelRetries: 0,
  });
  const manager = createDraftStatePersistenceManager({
    storage,
    autoSave: false,
  });
  closers.push(() => manager.close());
  const seen: unknown[] = [];
  const tool = new DynamicStructuredTool({
    name: "add",
    description: "adds",
    schema: { type: "object" as const, properties: { a: { type: "number" } }, required: ["a"] },
    func: async (args: unknown) => {
      seen.push(args);
      return "three";
    },
  });
  const agent = new DraftHybridStreamingAgent({
    model: selected.model,
    modelName: selected.name,
    manager,
    tools: turns.some(({ call }) => call !== undefined) ? [tool] : [],
    secrets: selected.secrets,
    ...(approve === undefined ? {} : { approve }),
  });
  const conversation = await manager.open("tale");
  const events: TurnEvent[] = [];
  for await (const event of agent.runTurn(conversation, prompt, signal === undefined ? {} : { signal }))
    events.push(event);
  const end = events.at(-1);
  if (end?.type !== "end") throw new Error("the turn has no end");
  await manager.close();
  return { double, events, end, seen, messages: conversation.state.messages };
}

const textsOf = (events: readonly TurnEvent[], type: "token" | "reasoning"): string[] =>
  events.flatMap((event) => (event.type === type ? event.text : []));

describe.for(PROVIDERS)("$provider", (one) => {
  test("streams text, reasoning, usage and its finish reason", async () => {
    const { events, end, messages, double } = await ask(one, [{ thinking: "I think.", text: ["Hello, ", "you."] }]);
    expect(end).toMatchObject({ status: "complete", error: undefined, finishReason: one.finish });
    expect(end.usage).toEqual({ inputTokens: 7, outputTokens: 5 });
    expect(textsOf(events, "token")).toEqual(["Hello, ", "you."]);
    expect(textsOf(events, "reasoning").join("")).toBe("I think.");
    expect(messages.at(-1)).toMatchObject({
      content: "Hello, you.",
      reasoning: "I think.",
      status: "complete",
      model: `${one.provider}:m`,
    });
    expect(double.sent).toHaveLength(1);
    expect(JSON.stringify(double.sent[0]?.body)).toContain("4000");
  });

  test("calls a tool, is given its result, and what it thought where it wants that back", async () => {
    const { seen, messages, double, end } = await ask(one, [
      { thinking: "Add.", call: { id: "call12345", name: "add", args: { a: 1 } } },
      { text: ["Three."] },
    ]);
    expect(end).toMatchObject({ status: "complete", error: undefined });
    expect(seen).toEqual([{ a: 1 }]);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "So?"],
      ["assistant", ""],
      ["tool", "three"],
      ["assistant", "Three."],
    ]);
    const second = JSON.stringify(double.sent[1]?.body);
    expect(second).toContain("three");
    if (["anthropic", "bedrock", "google-genai"].includes(one.provider)) expect(second).toContain("c2lnbmVk");
  });

  test("is resumed by another process with what it thought, as the provider signed it", async () => {
    const turns = [{ thinking: "Add.", call: { id: "call12345", name: "add", args: { a: 1 } } }, { text: ["Three."] }];
    const signs = ["anthropic", "bedrock", "google-genai"].includes(one.provider);
    const strict: typeof one.protocol = (turn, response, sent) => {
      // What the provider refuses: a call of its own without what it signed.
      const isUnsigned = signs && double.sent.length > 1 && !JSON.stringify(sent.body).includes("c2lnbmVk");
      one.protocol(isUnsigned ? { error: { status: 400, message: "unsigned" } } : turn, response, sent);
    };
    const double = await Double.start(strict, turns);
    closers.push(() => double.stop());
    const storage = newStorage();
    await turnWith(one, double, turns, { prompt: "So?", storage, approve: () => "stop" });
    const { end, seen, messages } = await turnWith(one, double, turns, {
      prompt: undefined,
      storage,
      approve: () => "run",
    });
    expect(end).toMatchObject({ status: "complete", error: undefined });
    expect([seen, messages.at(-1)?.content]).toEqual([[{ a: 1 }], "Three."]);
  });

  test("ends with the server's own words where it refuses, without the key", async () => {
    const { end } = await ask(one, [{ error: { status: 400, message: `the model m is unknown to ${KEY}` } }]);
    expect(end.status).toBe("error");
    // Ollama has no key.
    const words = `the model m is unknown to ${one.provider === "ollama" ? KEY : "[redacted]"}`;
    expect(end.error?.message).toBe(`the provider refused the request (${words})`);
    expect(end.isLasting).toBe(true);
  });

  test("takes neither key nor conversation along a redirect to another origin", async () => {
    const other = await Double.start(one.protocol, [{ text: ["Stolen."] }]);
    closers.push(() => other.stop());
    const redirecting = { ...one, protocol: redirectTo(other) };
    const { end } = await ask(redirecting, [{}]);
    expect(other.sent).toEqual([]);
    expect(end.status).toBe("error");
    expect(end.error?.message).toContain(`redirects to ${other.url} (307)`);
  });

  test("keeps an answer that breaks off as interrupted", async () => {
    const { end, messages } = await ask(one, [{ text: ["Hel"], breaksOff: true }]);
    expect(end.status).toBe("interrupted");
    expect(messages.at(-1)).toMatchObject({ content: "Hel", status: "interrupted" });
  });
});
