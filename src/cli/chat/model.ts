/** Which model answers: as asked for, else as the conversation remembers it, else as the settings say. LangChain is loaded here. */
import type { Info } from "../../model/conversation.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { CommandContext } from "../context.js";
import { note } from "./say.js";
import type { ChosenModel, RequestProgress } from "./session-types.js";

export interface Wanted {
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  /** Undefined leaves the conversation's own. */
  readonly system: string | undefined;
}

export interface ModelSource {
  readonly context: CommandContext;
  readonly manager: DraftStatePersistenceManager;
  readonly progress: RequestProgress;
}

/** A flag says what is wanted now; other settings are for conversations that remember nothing of their own. */
export function wantedFor(context: CommandContext, info: Pick<Info, "model" | "baseUrl">, hasSystem: boolean): Wanted {
  const { settings, origins } = context;
  const isFlag = (name: "model" | "baseUrl" | "system"): boolean => origins[name] === "flag";
  // A conversation that remembers its model remembers also that it needed no address.
  const ownServer =
    info.model === undefined || info.model === "offline" ? settings.baseUrl : (info.baseUrl ?? settings.baseUrl);
  return {
    model: isFlag("model") ? settings.model : (info.model ?? settings.model),
    baseUrl: isFlag("baseUrl") ? settings.baseUrl : ownServer,
    system: isFlag("system") || !hasSystem ? settings.system : undefined,
  };
}

/** Throws `MODEL` where there is neither key nor server. */
export async function chooseModel({ context, manager, progress }: ModelSource, wanted: Wanted): Promise<ChosenModel> {
  const { DraftHybridStreamingAgent } = await import("../../agent/agent.js");
  const { selectModel } = await import("../../agent/models/select.js");
  const apiKey = context.env["OPENAI_API_KEY"] === "" ? undefined : context.env["OPENAI_API_KEY"];
  const { seed, offlineTokenDelay, modelRetries } = context.settings;
  const { model, baseUrl, system } = wanted;
  const selected = await selectModel({
    model,
    baseUrl,
    apiKey,
    seed,
    offlineTokenDelay,
    modelRetries,
    onRequest: (event) => progress.listener?.(event),
  });
  return {
    baseUrl: selected.offline ? undefined : baseUrl,
    notice:
      selected.offline && model === undefined
        ? "no OPENAI_API_KEY and no --base-url: the built-in offline story model answers"
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

/** Once it is sure that it will be asked: who gets an error instead need not know. */
export function sayModel(context: CommandContext, { notice }: ChosenModel): void {
  if (notice !== undefined) note(context, notice);
}
