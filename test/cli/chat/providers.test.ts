/** Models of other providers: where their packages come from and what code is run, what their constructors are given, and where keys go. */
import { chmod, rm } from "node:fs/promises";
import { describe, expect } from "vitest";
import { errorOf, type Shown, type Workspace } from "../../e2e/cli.js";
import { test } from "../world.js";

const CLASSES = {
  anthropic: "ChatAnthropic",
  "google-genai": "ChatGoogleGenerativeAI",
  ollama: "ChatOllama",
  aws: "ChatBedrockConverse",
  mistralai: "ChatMistralAI",
} as const;

const KEYS = { ANTHROPIC_API_KEY: "anthropic-key", GOOGLE_API_KEY: "google-key", MISTRAL_API_KEY: "mistral-key" };
const OWN = ".config/draftstate/config.json";

/** A package that tells what it was given, in chunks of classes of its own: no copy of LangChain knows them. */
function packageOf(className: string): string {
  return `
    require("node:fs").writeFileSync(require("node:path").join(process.env.MARK ?? __dirname, "ran"), "");
    class Chunk { constructor(content, more) { Object.assign(this, { content, ...more }); } }
    class Reason { constructor() { this.done_reason = "stop"; } }
    exports.${className} = class {
      // Backwards, since a key that is told is redacted.
      constructor({ apiKey, ...options }) {
        this.options = { ...options, ...(apiKey === undefined ? {} : { yek: [...apiKey].reverse().join("") }) };
      }
      async *#say(messages) {
        yield new Chunk([{ type: "thinking", thinking: "I think." }]);
        const prototypes = messages.map((message) => Object.getPrototypeOf(message) === Object.prototype);
        yield new Chunk(JSON.stringify({ options: this.options, messages, prototypes }));
        yield new Chunk("", { response_metadata: new Reason(), usage_metadata: { input_tokens: 1, output_tokens: 2 } });
      }
      async stream(messages) { return this.#say(messages); }
    };`;
}

async function install(workspace: Workspace, name: keyof typeof CLASSES, under = "node_modules"): Promise<string> {
  const directory = `${under}/@langchain/${name}`;
  await workspace.write(`${directory}/package.json`, JSON.stringify({ name: `@langchain/${name}`, main: "index.js" }));
  await workspace.write(`${directory}/index.js`, packageOf(CLASSES[name]));
  return directory;
}

interface Told {
  readonly options: Readonly<Record<string, unknown>>;
  readonly messages: readonly { readonly type: string; readonly content: unknown }[];
  readonly prototypes: readonly boolean[];
}

/** What the model's class was given. */
async function tell(
  workspace: Workspace,
  args: readonly string[],
  env: Readonly<Record<string, string>> = KEYS,
): Promise<Told> {
  const { stdout, stderr, status } = await workspace.run(["chat", "Hi", ...args], { env });
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  return JSON.parse(stdout) as Told;
}

const refusal = async (
  workspace: Workspace,
  args: readonly string[],
  env: Readonly<Record<string, string>> = KEYS,
): Promise<string> => {
  const result = await workspace.run(["chat", ...args, "--json"], { env });
  expect(result.status).not.toBe(0);
  return errorOf(result).message;
};

const hasRun = async (workspace: Workspace): Promise<boolean> =>
  [...(await workspace.files()).keys()].some((path) => path.endsWith("ran"));

describe("the package of a provider", () => {
  test("is named in one line where it is not installed", async ({ workspace }) => {
    const message = await refusal(workspace, ["Hi", "--model", "anthropic:claude"]);
    expect(message).toContain("npm install @langchain/anthropic");
    expect(await workspace.json(["ls"])).toEqual([]);
  });

  test("is found in this directory, and in those above it, where the model is named by flag", async ({ workspace }) => {
    await install(workspace, "ollama");
    const told = await tell(workspace, ["--model", "ollama:llama3.2"]);
    expect(told).toMatchObject({ options: { model: "llama3.2", baseUrl: "http://127.0.0.1:11434" } });
    expect(told).toMatchObject({ messages: [{ type: "human", content: "Hi" }], prototypes: [true] });
  });

  test("may be another copy of LangChain: its chunks are read as they are", async ({ workspace }) => {
    await install(workspace, "ollama");
    await tell(workspace, ["--model", "ollama:llama3.2", "--id", "tale"]);
    expect((await workspace.json(["show", "tale"])) as Shown).toMatchObject({
      messages: [
        { role: "user" },
        {
          status: "complete",
          finishReason: "stop",
          reasoning: "I think.",
          model: "ollama:llama3.2",
          usage: { inputTokens: 1, outputTokens: 2 },
        },
      ],
    });
  });

  test("of this directory is not run for a model that was not named here", async ({ workspace }) => {
    await install(workspace, "ollama");
    await workspace.write(OWN, JSON.stringify({ model: "ollama:m" }));
    for (const env of [{}, { DRAFTSTATE_MODEL: "ollama:m" }])
      expect(await refusal(workspace, ["Hi"], env)).toContain("only in this directory");
    expect(await hasRun(workspace)).toBe(false);
  });

  test("of this directory is run for its settings once they are trusted", async ({ workspace }) => {
    await install(workspace, "ollama");
    await workspace.write("draftstate.config.json", JSON.stringify({ model: "ollama:m" }));
    const { stderr } = await workspace.run(["chat", "Hi"]);
    expect([stderr.includes("ignored model"), await hasRun(workspace)]).toEqual([true, false]);
    await workspace.json(["trust"]);
    expect((await tell(workspace, [])).options["model"]).toBe("m");
  });

  test("that npm installed globally is taken before that of the directory", async ({ workspace }) => {
    await install(workspace, "ollama", "prefix/lib/node_modules");
    await install(workspace, "ollama");
    await workspace.write(OWN, JSON.stringify({ model: "ollama:m" }));
    await tell(workspace, [], { npm_config_prefix: workspace.path("prefix") });
    const ran = [...(await workspace.files()).keys()].filter((path) => path.endsWith("ran"));
    expect(ran).toEqual([expect.stringContaining("prefix")]);
  });

  test("that others could have written is not run", async ({ workspace }) => {
    const directory = await install(workspace, "ollama");
    await chmod(workspace.path(directory), 0o777);
    expect(await refusal(workspace, ["Hi", "--model", "ollama:m"])).toContain("others may write");
    expect(await hasRun(workspace)).toBe(false);
  });

  test("that is no package of LangChain's is said to be so", async ({ workspace }) => {
    const directory = await install(workspace, "ollama");
    await workspace.write(`${directory}/index.js`, "exports.Other = 1");
    expect(await refusal(workspace, ["Hi", "--model", "ollama:m"])).toContain("exports no ChatOllama");
  });
});

describe("a key", () => {
  test("is one of the provider's own variables, and is asked for by name", async ({ workspace }) => {
    await install(workspace, "google-genai");
    expect(await refusal(workspace, ["Hi", "--model", "google-genai:g"], {})).toContain(
      "set GOOGLE_API_KEY or GEMINI_API_KEY",
    );
  });

  test.for([
    ["anthropic", "anthropic", { yek: "yek-ciporhtna", anthropicApiUrl: "https://api.anthropic.com" }],
    ["google-genai", "google-genai", { yek: "yek-elgoog", baseUrl: "https://generativelanguage.googleapis.com" }],
    ["mistralai", "mistralai", { yek: "yek-lartsim", serverURL: "https://api.mistral.ai" }],
    ["bedrock", "aws", { region: "eu-central-1" }],
  ] as const)(
    "of %s goes to its own host, whatever server the settings name for OpenAI's protocol",
    async ([provider, name, options], { workspace }) => {
      await install(workspace, name);
      await workspace.write(OWN, JSON.stringify({ baseUrl: "http://127.0.0.1:1/v1" }));
      const env = { ...KEYS, OPENAI_BASE_URL: "http://127.0.0.1:2/v1", AWS_REGION: "eu-central-1" };
      expect((await tell(workspace, ["--model", `${provider}:m`], env)).options).toMatchObject(options);
    },
  );

  test("goes to an address that was given with the model: by flag, or in one place", async ({ workspace }) => {
    await install(workspace, "mistralai");
    const byFlag = await tell(workspace, ["--model", "mistralai:m", "--base-url", "http://127.0.0.1:3"]);
    expect(byFlag.options["serverURL"]).toBe("http://127.0.0.1:3");
    await workspace.write("mine.json", JSON.stringify({ model: "mistralai:m", baseUrl: "http://127.0.0.1:4" }));
    expect((await tell(workspace, ["--config", "mine.json"])).options["serverURL"]).toBe("http://127.0.0.1:4");
  });

  test("and an address are no options", async ({ workspace }) => {
    await install(workspace, "mistralai");
    for (const option of ["apiKey=x", "serverURL=http://h", "clientOptions={}", "endpointHost=h"])
      expect(await refusal(workspace, ["Hi", "--model", "mistralai:m", "-o", option])).toContain(
        `option ${option.split("=")[0] ?? ""}`,
      );
  });
});

describe("a conversation", () => {
  test("that names a provider is sent there only if the user names it too", async ({ workspace }) => {
    await install(workspace, "anthropic", "prefix/lib/node_modules");
    const env = { ...KEYS, npm_config_prefix: workspace.path("prefix") };
    await tell(workspace, ["--model", "anthropic:claude", "--id", "tale"], env);
    await rm(workspace.path("prefix/lib/node_modules/@langchain/anthropic/ran"));
    const message = await refusal(workspace, ["--resume", "tale", "More"], env);
    expect(message).toMatch(/not named in this run.*--model anthropic:claude/);
    expect(await hasRun(workspace)).toBe(false);
    await tell(workspace, ["--resume", "tale", "--model", "anthropic:claude"], env);
    await workspace.write(OWN, JSON.stringify({ models: { smart: "anthropic:other" } }));
    await tell(workspace, ["--resume", "tale"], env);
  });

  test("of a model on this machine, without a key, is resumed as it is", async ({ workspace }) => {
    await install(workspace, "ollama", "prefix/lib/node_modules");
    const env = { npm_config_prefix: workspace.path("prefix") };
    await tell(workspace, ["--model", "ollama:m", "--id", "tale"], env);
    await tell(workspace, ["--resume", "tale"], env);
    const away = { ...env, OLLAMA_BASE_URL: "http://192.0.2.1:11434" };
    expect(await refusal(workspace, ["--resume", "tale", "More"], away)).toContain("not named in this run");
  });
});

describe("options", () => {
  test("reach the constructor in its own words", async ({ workspace }) => {
    await install(workspace, "google-genai");
    const args = ["--temperature", "0.2", "--max-tokens", "99", "-o", "topK=3", "-o", "name=text", "-o", 'a={"b":[1]}'];
    expect((await tell(workspace, ["--model", "google-genai:g", ...args])).options).toMatchObject({
      temperature: 0.2,
      maxOutputTokens: 99,
      topK: 3,
      name: "text",
      a: { b: [1] },
    });
  });

  test("and aliases come from the settings too", async ({ workspace }) => {
    await install(workspace, "ollama");
    const settings = { models: { fast: "ollama:llama3.2" }, temperature: 1, maxTokens: 5, options: { topP: 0.1 } };
    await workspace.write(OWN, JSON.stringify(settings));
    expect((await tell(workspace, ["--model", "fast"])).options).toMatchObject({
      model: "llama3.2",
      temperature: 1,
      numPredict: 5,
      topP: 0.1,
    });
  });

  test.for([
    ["--temperature", "3"],
    ["--max-tokens", "0"],
    ["-o", "nothing"],
  ])("that mean nothing are refused: %s %s", async (args, { workspace }) => {
    const { status } = await workspace.run(["chat", "Hi", ...args]);
    expect(status).toBe(2);
  });
});
