/** Which model answers: the one asked for, else the one of the conversation, else the one of the settings. LangChain is loaded here. */
import { messagesOf, type Info } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../session/conversation.js";
import { proxiesOf } from "../../http/policy.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { CommandContext } from "../context.js";
import type { Key, Storage } from "../../storage/storage.js";
import { assertNoCredentials, mayBeAsked, questionAbout, refuseServer, unencrypted } from "../settings/key-host.js";
import type { TurnTools } from "../tools/tools-for.js";
import { note } from "./say.js";
import type { ChosenModel, RequestProgress } from "./session-types.js";

/** That it was said here that the offline model answers. */
const NOTED: Key = { area: "history", name: "offline-model-noted" };

export interface Wanted {
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  /** Undefined keeps the one of the conversation. */
  readonly system: string | undefined;
}

/** Undefined where nobody can be asked. */
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
  // A conversation that has a model and no address needed none.
  const ownServer =
    info.model === undefined || info.model === "offline" ? settings.baseUrl : (info.baseUrl ?? settings.baseUrl);
  return {
    model: isFlag("model") ? settings.model : (info.model ?? settings.model),
    baseUrl: isFlag("baseUrl") ? settings.baseUrl : ownServer,
    system: isFlag("system") || !hasSystem ? settings.system : undefined,
  };
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
  if (url === undefined || isOffline(model)) return wanted;
  assertNoCredentials(url);
  const hasKey = keyOf(context) !== undefined;
  if (mayBeAsked({ url, named: context.settings.baseUrl, hasKey })) return wanted;
  if ((await confirm?.(questionAbout(id, url, hasKey))) !== true) throw refuseServer(id, url, hasKey);
  return wanted;
}

function isOffline(model: string | undefined): boolean {
  return model === "offline" || model?.startsWith("offline:") === true;
}

function keyOf({ env }: CommandContext): string | undefined {
  return env["OPENAI_API_KEY"] === "" ? undefined : env["OPENAI_API_KEY"];
}

/** Throws `MODEL` without a key and a server. */
export async function chooseModel(source: ModelSource, wanted: Wanted): Promise<ChosenModel> {
  const { context, manager, progress } = source;
  if (wanted.baseUrl !== undefined) assertNoCredentials(wanted.baseUrl);
  const { DraftHybridStreamingAgent } = await import("../../agent/agent.js");
  const { selectModel } = await import("../../agent/models/select.js");
  const apiKey = keyOf(context);
  const { offlineTokenDelay, modelRetries, idleTimeout, seed } = context.settings;
  const { model, baseUrl, system } = wanted;
  const selected = await selectModel({
    model,
    baseUrl,
    apiKey,
    seed: source.seed ?? seed,
    offlineTokenDelay,
    modelRetries,
    onRequest: (event) => progress.listener?.(event),
    connection: { proxies: proxiesOf(context.env), idleTimeout },
  });
  return {
    baseUrl: selected.offline ? undefined : baseUrl,
    warning: selected.offline || baseUrl === undefined || apiKey === undefined ? undefined : unencrypted(baseUrl),
    notice:
      selected.offline && model === undefined
        ? "no OPENAI_API_KEY and no --base-url: using the built-in offline story model (said once; --model offline never says it)"
        : undefined,
    agent: new DraftHybridStreamingAgent({
      model: selected.model,
      modelName: selected.name,
      manager,
      tools: source.tools?.all.map(({ call }) => call) ?? [],
      secrets: [...(apiKey === undefined ? [] : [apiKey]), ...(source.tools?.secrets ?? [])],
      ...(system === undefined ? {} : { systemPrompt: system }),
    }),
  };
}

/** Only once it will certainly be asked, not before an error; once per store. */
export async function sayModel(
  context: CommandContext,
  { notice, warning }: ChosenModel,
  storage: Storage,
): Promise<void> {
  if (warning !== undefined) context.output.warning(warning);
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
