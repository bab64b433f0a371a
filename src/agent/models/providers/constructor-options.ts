/** What the constructor of each provider's chat model is given: its own names for the same things. Pure. */
import { DraftstateError } from "../../../errors.js";
import type { StreamForm } from "../../../http/event-limit.js";
import { awsRequestsThrough } from "./aws-requests.js";
import type { Fetch } from "../../../http/policy.js";
import { firstSet, type ProviderName } from "../../../model/providers.js";

type Variables = Readonly<Record<string, string | undefined>>;

export interface Given {
  readonly model: string;
  readonly key: string | undefined;
  /** Undefined where the region says it. */
  readonly address: string | undefined;
  /** The policy's. */
  readonly fetch: (form?: StreamForm) => Fetch;
}

type Options = Readonly<Record<string, unknown>>;

export interface Recipe {
  /** What the package exports. */
  readonly className: string;
  /** Its own name for the most tokens of an answer. */
  readonly maxTokens: string;
  /** The package takes no `fetch`. */
  readonly usesGlobalFetch?: true;
  /** What the user may say otherwise. */
  readonly defaults?: (env: Variables) => Options;
  readonly options: (this: void, given: Given) => Options;
}

const REGIONS = ["BEDROCK_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"];
/** The policy has a limit for silence. */
const NO_TIMEOUT = 2 ** 31 - 1;

/** Addresses are always given: LangChain would let a variable of LangSmith's lead requests and keys through its gateway. */
export const RECIPES: Readonly<Record<ProviderName, Recipe>> = {
  anthropic: {
    className: "ChatAnthropic",
    maxTokens: "maxTokens",
    options: ({ key, address, fetch }) => ({
      apiKey: key,
      anthropicApiUrl: address,
      clientOptions: { fetch: fetch(), timeout: NO_TIMEOUT, logLevel: "off" },
    }),
  },
  "google-genai": {
    className: "ChatGoogleGenerativeAI",
    maxTokens: "maxOutputTokens",
    usesGlobalFetch: true,
    options: ({ key, address }) => ({ apiKey: key, baseUrl: address }),
  },
  ollama: {
    className: "ChatOllama",
    maxTokens: "numPredict",
    options: ({ address, fetch }) => ({ baseUrl: address, fetch: fetch("lines") }),
  },
  bedrock: {
    className: "ChatBedrockConverse",
    maxTokens: "maxTokens",
    defaults: (env) => ({ region: firstSet(REGIONS, env) }),
    options: ({ address, fetch }) => ({
      clientOptions: { requestHandler: awsRequestsThrough(fetch("bytes")) },
      ...(address === undefined ? {} : { endpointHost: hostOf(address) }),
    }),
  },
  mistralai: {
    className: "ChatMistralAI",
    maxTokens: "maxTokens",
    options: ({ key, address, fetch }) => ({
      apiKey: key,
      serverURL: address,
      httpClient: requestsThrough(fetch()),
    }),
  },
};

/** As much of the client that Mistral's package takes as it uses. */
function requestsThrough(fetch: Fetch): object {
  const client = {
    request: (request: Request) => fetch(request),
    addHook: () => client,
    removeHook: () => client,
    clone: () => client,
  };
  return client;
}

function hostOf(address: string): string {
  const { protocol, host } = new URL(address);
  if (protocol === "https:") return host;
  throw new DraftstateError(
    "INVALID_CONFIG",
    "--base-url of bedrock must begin with https://; for another address set AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    { path: "baseUrl" },
  );
}
