/**
 * A model's name → the chat model. `openai:<name>` or just `<name>` for every OpenAI-compatible server, `offline` for the built-in one, and the
 * prefix of another provider for LangChain's package for it. Keys come from the caller, are handed to the client, and kept nowhere.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { DraftstateError } from "../../errors.js";
import type { PolicyOptions } from "../../http/policy-fetch.js";
import type { Json } from "../../model/json.js";
import { PROVIDERS, providerIn, secretsOf } from "../../model/providers.js";
import { assertHttpUrl } from "../../model/urls.js";
import { OfflineStoryModel } from "./offline.js";
import type { RequestListener } from "./request-progress.js";

export interface ModelChoice {
  /** `<provider>:<name>`, `<name>`, `offline`, or undefined for what key and base URL suggest. */
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  /** Of OpenAI and servers like it. */
  readonly apiKey: string | undefined;
  /** Variables, for the keys of other providers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  /** For the model's constructor, in its own words. */
  readonly options: Readonly<Record<string, Json>>;
  /** Loads a provider's package. Throws where it is not installed, or may not be run. */
  readonly load: (packageName: string) => unknown;
  readonly seed: number;
  /** Milliseconds between tokens of the offline model. */
  readonly offlineTokenDelay: number;
  /** Tries again after what can pass (429, 5xx, a refused connection). */
  readonly modelRetries: number;
  /** Told how each request to a server goes, before anything of the answer has come. */
  readonly onRequest?: RequestListener | undefined;
  readonly connection?: PolicyOptions | undefined;
}

export interface SelectedModel {
  /** `provider:name`, as it is kept with the conversation. */
  readonly name: string;
  readonly model: BaseChatModel;
  readonly offline: boolean;
  readonly takesTools: boolean;
  /** What must not be shown, also where a server repeats it. */
  readonly secrets: readonly string[];
}

const DEFAULT_OPENAI_MODEL = "gpt-4o-mini";
export const OFFLINE = "offline";

/** The full name of the model that would be used, without loading it. */
export function modelName(choice: Pick<ModelChoice, "model" | "baseUrl" | "apiKey">): string {
  const { model, baseUrl, apiKey } = choice;
  if (model === undefined)
    return baseUrl === undefined && apiKey === undefined ? OFFLINE : `openai:${DEFAULT_OPENAI_MODEL}`;
  if (model === OFFLINE || model.startsWith("offline:")) return OFFLINE;
  return providerIn(model) !== undefined || model.startsWith("openai:") ? model : `openai:${model}`;
}

export async function selectModel(choice: ModelChoice): Promise<SelectedModel> {
  const name = modelName(choice);
  if (name === OFFLINE) return offlineModel(choice);
  if (choice.baseUrl !== undefined) assertHttpUrl(choice.baseUrl);
  return providerIn(name) === undefined ? openAIModel(name, choice) : providersModel(name, choice);
}

function offlineModel({ seed, offlineTokenDelay }: ModelChoice): SelectedModel {
  const model = new OfflineStoryModel({ seed, tokenDelay: offlineTokenDelay });
  return { name: OFFLINE, model, offline: true, takesTools: false, secrets: [] };
}

async function providersModel(name: string, choice: ModelChoice): Promise<SelectedModel> {
  const { openProvider } = await import("./providers/open-provider.js");
  const { baseUrl, env, load, modelRetries: retries, onRequest, connection } = choice;
  const model = openProvider({ name, baseUrl, env, load, retries, onRequest, connection, tuning: choice });
  const provider = providerIn(name);
  const secrets = provider === undefined ? [] : secretsOf(PROVIDERS[provider], env);
  return { name, model, offline: false, takesTools: model.takesTools, secrets };
}

async function openAIModel(name: string, choice: ModelChoice): Promise<SelectedModel> {
  const { apiKey, baseUrl } = choice;
  if (apiKey === undefined && baseUrl === undefined) {
    throw new DraftstateError(
      "MODEL",
      `model ${name} needs a key or a server: set OPENAI_API_KEY, or give --base-url; "--model offline" needs neither`,
    );
  }
  const bare = name.slice("openai:".length);
  if (bare === "")
    throw new DraftstateError("INVALID_CONFIG", `"openai:" names no model: give --model openai:<name>`, {
      path: "model",
    });
  const { createOpenAIModel } = await import("./openai.js");
  const model = createOpenAIModel({
    model: bare,
    apiKey,
    baseUrl,
    retries: choice.modelRetries,
    onRequest: choice.onRequest,
    connection: choice.connection,
    tuning: choice,
  });
  return { name, model, offline: false, takesTools: true, secrets: apiKey === undefined ? [] : [apiKey] };
}
