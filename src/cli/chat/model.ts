/** Which model answers: the one asked for, else the one of the conversation, else the one of the settings. LangChain is loaded here. */
import { messagesOf, type Info } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../session/conversation.js";
import { proxiesOf } from "../../http/policy.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { CommandContext } from "../context.js";
import { note } from "./say.js";
import type { ChosenModel, RequestProgress } from "./session-types.js";

export interface Wanted {
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  /** Undefined keeps the one of the conversation. */
  readonly system: string | undefined;
}

export interface ModelSource {
  readonly context: CommandContext;
  readonly manager: DraftStatePersistenceManager;
  readonly progress: RequestProgress;
}

export function hasSystem(conversation: Conversation): boolean {
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

/** Throws `MODEL` without a key and a server. */
export async function chooseModel({ context, manager, progress }: ModelSource, wanted: Wanted): Promise<ChosenModel> {
  const { DraftHybridStreamingAgent } = await import("../../agent/agent.js");
  const { selectModel } = await import("../../agent/models/select.js");
  const apiKey = context.env["OPENAI_API_KEY"] === "" ? undefined : context.env["OPENAI_API_KEY"];
  const { seed, offlineTokenDelay, modelRetries, idleTimeout } = context.settings;
  const { model, baseUrl, system } = wanted;
  const selected = await selectModel({
    model,
    baseUrl,
    apiKey,
    seed,
    offlineTokenDelay,
    modelRetries,
    onRequest: (event) => progress.listener?.(event),
    connection: { proxies: proxiesOf(context.env), idleTimeout },
  });
  return {
    baseUrl: selected.offline ? undefined : baseUrl,
    notice:
      selected.offline && model === undefined
        ? "no OPENAI_API_KEY and no --base-url: using the built-in offline story model"
        : undefined,
    agent: new DraftHybridStreamingAgent({
      model: selected.model,
      modelName: selected.name,
      manager,
      secrets: apiKey === undefined ? [] : [apiKey],
      ...(system === undefined ? {} : { systemPrompt: system }),
    }),
  };
}

/** Only once it will certainly be asked: not before an error. */
export function sayModel(context: CommandContext, { notice }: ChosenModel): void {
  if (notice !== undefined) note(context, notice);
}
