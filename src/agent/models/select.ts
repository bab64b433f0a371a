/**
 * A model's name → the chat model. `openai:<name>` or just `<name>` for every OpenAI-compatible server, `offline`
 * for the built-in one. Keys come from the caller, are handed to the client, and kept nowhere.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { DraftstateError } from "../../errors.js";
import type { PolicyOptions } from "../../http/policy-fetch.js";
import { redactUrl } from "../../model/urls.js";
import { OfflineStoryModel } from "./offline.js";
import type { RequestListener } from "./request-progress.js";

export interface ModelChoice {
  /** `openai:<name>`, `<name>`, `offline`, or undefined for what key and base URL suggest. */
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
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
}

const DEFAULT_OPENAI_MODEL = "gpt-4o-mini";
export const OFFLINE = "offline";

/** The full name of the model that would be used, without loading it. */
export function modelName(choice: Pick<ModelChoice, "model" | "baseUrl" | "apiKey">): string {
  const { model, baseUrl, apiKey } = choice;
  if (model === undefined)
    return baseUrl === undefined && apiKey === undefined ? OFFLINE : `openai:${DEFAULT_OPENAI_MODEL}`;
  if (model === OFFLINE || model.startsWith("offline:")) return OFFLINE;
  return model.startsWith("openai:") ? model : `openai:${model}`;
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

export async function selectModel(choice: ModelChoice): Promise<SelectedModel> {
  const name = modelName(choice);
  if (name === OFFLINE)
    return {
      name,
      model: new OfflineStoryModel({ seed: choice.seed, tokenDelay: choice.offlineTokenDelay }),
      offline: true,
    };
  const { apiKey, baseUrl } = choice;
  if (apiKey === undefined && baseUrl === undefined) {
    throw new DraftstateError(
      "MODEL",
      `model ${name} needs a key or a server: set OPENAI_API_KEY, or give --base-url; "--model offline" needs neither`,
    );
  }
  if (baseUrl !== undefined && !isHttp(baseUrl)) {
    throw new DraftstateError(
      "INVALID_CONFIG",
      `--base-url ${JSON.stringify(redactUrl(baseUrl))} is not an http URL: give one such as http://localhost:11434/v1`,
      { path: "baseUrl" },
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
  });
  return { name, model, offline: false };
}
