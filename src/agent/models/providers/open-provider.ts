/** A model of another provider through LangChain's package for it, which the caller has found and loaded: checked here, never bundled. */
import { DraftstateError, messageOf } from "../../../errors.js";
import { firstSet, PROVIDERS, providerIn, type Provider, type ProviderName } from "../../../model/providers.js";
import { connectionFor, type ConnectionOptions } from "./connection.js";
import { tuned, type Tuning } from "../tuning.js";
import { RECIPES } from "./constructor-options.js";
import { replaceGlobalFetch } from "./global-fetch.js";
import { ProviderModel, type ForeignModel } from "./provider-model.js";
import { retryJudge } from "./retries.js";

export interface ProviderChoice extends ConnectionOptions {
  /** `provider:name`. */
  readonly name: string;
  readonly baseUrl: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tuning: Tuning;
  /** What the package exports. Throws where it is not installed, or may not be run. */
  readonly load: (packageName: string) => unknown;
}

type Constructor = new (options: Readonly<Record<string, unknown>>) => unknown;

export function openProvider(choice: ProviderChoice): ProviderModel {
  const provider = providerIn(choice.name);
  if (provider === undefined) throw new TypeError(`${choice.name} is no provider's`);
  const model = choice.name.slice(provider.length + 1);
  if (model === "") throw nameMissing(provider);
  const key = keyFor(provider, choice);
  const recipe = RECIPES[provider];
  const { packageName, addresses, address: own } = PROVIDERS[provider];
  const address = choice.baseUrl ?? firstSet(addresses, choice.env) ?? own;
  const connection = connectionFor(choice);
  // Before the package can take hold of Node's own.
  if (recipe.usesGlobalFetch === true && address !== undefined) replaceGlobalFetch(address, connection);
  const Model = classOf(provider, choice.load(packageName));
  const given = { model, key, address, fetch: connection.fetch };
  const options = {
    ...recipe.defaults?.(choice.env),
    ...tuned(choice.tuning, recipe.maxTokens),
    ...recipe.options(given),
    model,
    streaming: true,
    maxRetries: choice.retries,
    onFailedAttempt: retryJudge(connection.watch),
  };
  return new ProviderModel({ provider, model, foreign: build(provider, Model, options), call: connection.call });
}

function nameMissing(provider: ProviderName): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `"${provider}:" names no model: give --model ${provider}:<name>`, {
    path: "model",
  });
}

function keyFor(provider: ProviderName, { name, env }: ProviderChoice): string | undefined {
  const { keys }: Provider = PROVIDERS[provider];
  const key = firstSet(keys, env);
  if (key !== undefined || keys.length === 0) return key;
  throw new DraftstateError("MODEL", `model ${name} needs a key: set ${keys.join(" or ")}`);
}

function classOf(provider: ProviderName, exported: unknown): Constructor {
  const { className } = RECIPES[provider];
  const found: unknown =
    typeof exported === "object" && exported !== null ? Reflect.get(exported, className) : undefined;
  if (typeof found === "function") return found as Constructor;
  throw unusable(provider, `it exports no ${className}`);
}

function build(provider: ProviderName, Model: Constructor, options: Readonly<Record<string, unknown>>): ForeignModel {
  let built: unknown;
  try {
    built = new Model(options);
  } catch (error) {
    throw new DraftstateError("INVALID_CONFIG", `${provider} cannot be used like this: ${messageOf(error)}`, {
      path: "model",
      cause: error,
    });
  }
  if (isForeignModel(built)) return built;
  throw unusable(provider, "its model has no stream()");
}

function isForeignModel(value: unknown): value is ForeignModel {
  return typeof value === "object" && value !== null && "stream" in value && typeof value.stream === "function";
}

function unusable(provider: ProviderName, why: string): DraftstateError {
  const { packageName } = PROVIDERS[provider];
  return new DraftstateError(
    "MODEL",
    `the installed ${packageName} cannot be used (${why}): update it with npm install ${packageName}@latest`,
  );
}
