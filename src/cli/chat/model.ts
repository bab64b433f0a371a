/** Which model answers: the one asked for, else the one of the conversation, else the one of the settings. LangChain is loaded here. */
import { DraftstateError } from "../../errors.js";
import { messagesOf, type Info } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import { providerIn, type ProviderName } from "../../model/providers.js";
import type { Conversation } from "../../session/conversation.js";
import { proxiesOf } from "../../http/policy.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { SelectedModel } from "../../agent/models/select.js";
import type { CommandContext } from "../context.js";
import type { Key, Storage } from "../../storage/storage.js";
import { loadProviderPackage, placesFor } from "../models/provider-package.js";
import { aliased } from "../settings/aliases.js";
import { assertNoCredentials, mayBeAsked, questionAbout, refuseServer, unencrypted } from "../settings/key-host.js";
import { ownAddress } from "../settings/model-address.js";
import { assertNoSecrets } from "../settings/model-options.js";
import { mayAskProvider, questionAboutProvider, refuseProvider } from "../settings/named-providers.js";
import type { TurnTools } from "../tools/tools-for.js";
import { note } from "./say.js";
import type { ChosenModel, RequestProgress } from "./session-types.js";

/** That it was said here that the offline model answers. */
const NOTED: Key = { area: "history", name: "offline-model-noted" };

export interface Wanted {
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  /** Whether the user named the model here and now, so that a package of this directory may be run for it. */
  readonly isNamed: boolean;
  /** Undefined keeps the one of the conversation. */
  readonly system: string | undefined;
}

/** Undefined if the user cannot be asked. */
export type Confirm = ((question: string) => Promise<boolean>) | undefined;

export interface ModelSource {
  readonly context: CommandContext;
  readonly manager: DraftStatePersistenceManager;
  readonly progress: RequestProgress;
  readonly tools: TurnTools | undefined;
  /** In place of the one in the settings. */
  readonly seed?: number;
}

export function hasSystem(conversation: Pick<Conversation, "version">): boolean {
  return messagesOf(conversation.version.state).some(
    (message) => isJsonObject(message) && message["role"] === "system",
  );
}

/** A flag applies now; other settings apply to conversations that have no model of their own. */
export function wantedFor(context: CommandContext, info: Pick<Info, "model" | "baseUrl">, hasSystem: boolean): Wanted {
  const { settings, origins } = context;
  const isFlag = (name: "model" | "baseUrl" | "system"): boolean => origins[name] === "flag";
  const isOwn = isFlag("model") || info.model === undefined;
  const model = isOwn ? namedModel(context, settings.model) : info.model;
  return {
    model,
    baseUrl: addressFor(context, model, info),
    isNamed: isOwn && isNamedHere(context),
    system: isFlag("system") || !hasSystem ? settings.system : undefined,
  };
}

function namedModel({ settings }: CommandContext, name: string | undefined): string | undefined {
  return name === undefined ? undefined : aliased(name, settings.models);
}

/** By flag, or by the settings of this directory, which the user trusts. */
function isNamedHere({ origins, resolved }: CommandContext): boolean {
  const origin = origins["model"];
  return origin === "flag" || (resolved.isTrusted && typeof origin === "object" && "file" in origin);
}

/** Of the user's own, or the server of OpenAI's protocol that the conversation names. */
function addressFor(
  context: CommandContext,
  model: string | undefined,
  info: Pick<Info, "model" | "baseUrl">,
): string | undefined {
  const { settings, origins } = context;
  if (origins["baseUrl"] === "flag") return settings.baseUrl;
  const own = ownAddress(context, model);
  const isServer = info.model !== undefined && info.model !== "offline" && providerIn(info.model) === undefined;
  // A conversation that has a model and no address needed none.
  return isServer && (model === undefined || providerIn(model) === undefined) ? (info.baseUrl ?? own) : own;
}

/** Another model, named at the prompt. */
export function switchedTo(context: CommandContext, wanted: Wanted, name: string): Wanted {
  const model = aliased(name, context.settings.models);
  const isOpenAI = [model, wanted.model ?? ""].every((each) => providerIn(each) === undefined);
  return { ...wanted, model, baseUrl: isOpenAI ? wanted.baseUrl : ownAddress(context, model), isNamed: true };
}

/**
 * What a conversation wants, if its server may have the conversation and the key. Throws `USAGE` if the user does not say
 * so, `INVALID_CONFIG` for an address that holds a key.
 */
export async function allowedFor(
  context: CommandContext,
  { id, info, version }: Conversation,
  confirm: Confirm,
): Promise<Wanted> {
  const wanted = wantedFor(context, info, hasSystem({ version }));
  const { baseUrl: url, model } = wanted;
  const provider = model === undefined ? undefined : providerIn(model);
  if (model !== undefined && provider !== undefined) {
    await assertProviderAllowed(context, { id, model, provider, url }, confirm);
    return wanted;
  }
  await assertServerAllowed(context, id, wanted, confirm);
  return wanted;
}

/** Of OpenAI's protocol. The offline model asks no server: another in its place may, so that nothing was said of it yet. */
export async function assertServerAllowed(
  context: CommandContext,
  id: string,
  { baseUrl: url, model }: Wanted,
  confirm: Confirm,
): Promise<void> {
  if (url === undefined || isOffline(model)) return;
  assertNoCredentials(url);
  const hasKey = keyOf(context) !== undefined;
  if (mayBeAsked({ url, named: context.settings.baseUrl, hasKey })) return;
  if ((await confirm?.(questionAbout(id, url, hasKey))) !== true) throw refuseServer(id, url, hasKey);
}

interface Asked {
  readonly id: string;
  readonly model: string;
  readonly provider: ProviderName;
  readonly url: string | undefined;
}

async function assertProviderAllowed(context: CommandContext, asked: Asked, confirm: Confirm): Promise<void> {
  if (mayAskProvider(context, asked.provider, asked.url)) return;
  if ((await confirm?.(questionAboutProvider(asked.id, asked.model))) !== true)
    throw refuseProvider(asked.id, asked.model);
}

export function isOffline(model: string | undefined): boolean {
  return model === "offline" || model?.startsWith("offline:") === true;
}

function keyOf({ env }: CommandContext): string | undefined {
  return env["OPENAI_API_KEY"] === "" ? undefined : env["OPENAI_API_KEY"];
}

/** Throws `MODEL` without a key and a server, or without the package of another provider. */
export async function chooseModel(source: ModelSource, wanted: Wanted): Promise<ChosenModel> {
  const { context, manager } = source;
  if (wanted.baseUrl !== undefined) assertNoCredentials(wanted.baseUrl);
  assertNoSecrets(context.settings.options);
  const { DraftHybridStreamingAgent } = await import("../../agent/agent.js");
  const selected = await select(source, wanted);
  const { model, baseUrl, system } = wanted;
  const isSecret = selected.secrets.length > 0;
  const unused = unusedTools(source.tools, selected);
  const plainText = selected.offline || baseUrl === undefined || !isSecret ? undefined : unencrypted(baseUrl);
  return {
    baseUrl: selected.offline ? undefined : baseUrl,
    warnings: [plainText, unused].flatMap((warning) => warning ?? []),
    notice:
      selected.offline && model === undefined
        ? "no OPENAI_API_KEY and no --base-url: using the built-in offline story model (said once; --model offline never says it)"
        : undefined,
    agent: new DraftHybridStreamingAgent({
      model: selected.model,
      modelName: selected.name,
      manager,
      tools: unused === undefined ? (source.tools?.all.map(({ call }) => call) ?? []) : [],
      secrets: [...selected.secrets, ...(source.tools?.secrets ?? [])],
      ...(system === undefined ? {} : { systemPrompt: system }),
    }),
  };
}

/** That tools which the settings alone name go unused. Throws `INVALID_CONFIG` for tools that were asked for here. */
function unusedTools(tools: TurnTools | undefined, { name, takesTools }: SelectedModel): string | undefined {
  if (takesTools || tools === undefined || tools.all.length === 0) return undefined;
  if (!tools.isAskedFor) return `${name} cannot use tools: the chat goes on without those of the setting mcp`;
  throw new DraftstateError(
    "INVALID_CONFIG",
    `${name} cannot use tools: name another model with --model, or leave out --mcp and --tool`,
    { path: "tools" },
  );
}

async function select(source: ModelSource, { model, baseUrl, isNamed }: Wanted): Promise<SelectedModel> {
  const { context, progress } = source;
  const { selectModel } = await import("../../agent/models/select.js");
  const { offlineTokenDelay, modelRetries, idleTimeout, seed, temperature, maxTokens, options } = context.settings;
  return selectModel({
    model,
    baseUrl,
    apiKey: keyOf(context),
    env: context.env,
    temperature,
    maxTokens,
    options,
    load: (name) => loadProviderPackage(name, { places: placesFor(context.io), mayRunDirectory: isNamed }),
    seed: source.seed ?? seed,
    offlineTokenDelay,
    modelRetries,
    onRequest: (event) => progress.listener?.(event),
    connection: { proxies: proxiesOf(context.env), idleTimeout },
  });
}

/** Only once it will certainly be asked, not before an error; once per store. */
export async function sayModel(
  context: CommandContext,
  { notice, warnings }: ChosenModel,
  storage: Storage,
): Promise<void> {
  for (const warning of warnings) context.output.warning(warning);
  if (notice === undefined || (await wasNoted(storage))) return;
  note(context, notice);
}

/** From then on it was. A store that cannot be written to is no reason to stop a conversation. */
async function wasNoted(storage: Storage): Promise<boolean> {
  try {
    if ((await storage.read(NOTED, { maxBytes: 1024 })) !== undefined) return true;
    await storage.replace(NOTED, Buffer.from("true\n"));
  } catch {
    // Noted once more then.
  }
  return false;
}
