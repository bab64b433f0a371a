/**
 * Providers other than OpenAI, by the prefix of a model's name, as LangChain's `initChatModel` names them: the package that speaks to each, its
 * variables, and its own address. Pure.
 */
export interface Provider {
  /** As a person knows it. */
  readonly title: string;
  readonly packageName: string;
  /** Of these variables one must hold the key; none where no key is needed, or the package finds it by itself. */
  readonly keys: readonly string[];
  /** All variables that hold something secret of it. */
  readonly secrets: readonly string[];
  /** Variables that hold the address of a server in place of the provider's own. */
  readonly addresses: readonly string[];
  /** Its own; undefined where it depends on a region. */
  readonly address: string | undefined;
}

export const PROVIDERS = {
  anthropic: {
    title: "Anthropic",
    packageName: "@langchain/anthropic",
    keys: ["ANTHROPIC_API_KEY"],
    secrets: ["ANTHROPIC_API_KEY"],
    addresses: ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"],
    address: "https://api.anthropic.com",
  },
  "google-genai": {
    title: "Google Gemini",
    packageName: "@langchain/google-genai",
    keys: ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    secrets: ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    addresses: [],
    address: "https://generativelanguage.googleapis.com",
  },
  ollama: {
    title: "Ollama",
    packageName: "@langchain/ollama",
    keys: [],
    secrets: [],
    addresses: ["OLLAMA_BASE_URL"],
    address: "http://127.0.0.1:11434",
  },
  bedrock: {
    title: "AWS Bedrock",
    packageName: "@langchain/aws",
    keys: [],
    secrets: [
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_BEARER_TOKEN_BEDROCK",
      "BEDROCK_AWS_SECRET_ACCESS_KEY",
      "BEDROCK_AWS_SESSION_TOKEN",
    ],
    addresses: [],
    address: undefined,
  },
  mistralai: {
    title: "Mistral",
    packageName: "@langchain/mistralai",
    keys: ["MISTRAL_API_KEY"],
    secrets: ["MISTRAL_API_KEY"],
    addresses: [],
    address: "https://api.mistral.ai",
  },
} as const satisfies Record<string, Provider>;

export type ProviderName = keyof typeof PROVIDERS;

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as readonly ProviderName[];

/** Undefined for OpenAI's names, which may hold a colon too (`llama3.2:1b`), and for `offline`. */
export function providerIn(model: string): ProviderName | undefined {
  const prefix = model.slice(0, Math.max(0, model.indexOf(":")));
  return PROVIDER_NAMES.find((name) => name === prefix);
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The first of these variables that is set. */
export function firstSet(names: readonly string[], env: Variables): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}

/** Of a provider, what must not be shown. */
export function secretsOf({ secrets }: Provider, env: Variables): string[] {
  return secrets.flatMap((name) => env[name] ?? []).filter((secret) => secret !== "");
}
