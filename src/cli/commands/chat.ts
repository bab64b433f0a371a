/**
 * `chat`: streams an answer, saving as it goes. Only the answer on stdout, the rest on stderr. LangChain is loaded here
 * and nowhere else, and only when a model is about to be asked.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import { messagesOf, statusOf, titleFrom, titleOf, type Info } from "../../model/conversation.js";
import { contentOf, resolveBackup } from "../../persistence/backups.js";
import type { Conversation } from "../../persistence/conversation-handle.js";
import { assertConversationId } from "../../persistence/layout.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import { MemoryStorage } from "../../storage/memory.js";
import { answerTo } from "../chat/answer.js";
import { takeBack, whatToDo, type Resumption } from "../chat/interrupted.js";
import { readPrompt } from "../chat/prompt-input.js";
import { talk } from "../chat/session.js";
import type { CommandContext } from "../context.js";
import { exitStatusOf } from "../exit-status.js";
import { lastConversation, resolveId } from "../resolve-id.js";
import { pluralize } from "../terminal/format.js";
import { toSafeLine } from "../terminal/safe-text.js";
import type { Register } from "./registration.js";

export interface ChatOptions {
  readonly model?: string;
  readonly baseUrl?: string;
  readonly system?: string;
  readonly id?: string;
  readonly continue?: boolean;
  readonly resume?: string;
  readonly fork?: string;
  readonly interactive?: boolean;
  readonly saveOnToken: boolean;
  readonly save: boolean;
}

function assertOneStart({ id, continue: goOn, resume, fork, save }: ChatOptions): void {
  const given = [id === undefined ? "" : "--id", goOn === true ? "--continue" : "", resume === undefined ? "" : "--resume"].filter((name) => name !== "");
  if (fork !== undefined && (goOn === true || resume !== undefined)) given.push("--fork");
  if (!save && (goOn === true || resume !== undefined || fork !== undefined)) {
    throw new DraftstateError("USAGE", "--no-save keeps nothing and knows nothing: it cannot be used with --continue, --resume or --fork");
  }
  if (given.length > 1) throw new DraftstateError("USAGE", `${given.join(" and ")} cannot be used together: choose one`);
  if (id !== undefined) assertConversationId(id);
}

async function openFork(manager: DraftStatePersistenceManager, spec: string, newId: string | undefined): Promise<Conversation> {
  const at = spec.lastIndexOf("@");
  const [wanted, point] = at > 0 ? [spec.slice(0, at), spec.slice(at + 1)] : [spec, undefined];
  const id = await resolveId(manager, wanted);
  const backup = point === undefined ? undefined : contentOf(resolveBackup(await manager.listBackups(id), id, point));
  const source = backup === undefined ? await manager.load(id) : undefined;
  const [state, title] = backup === undefined ? [source?.state, source?.metadata.title] : [backup.state, backup.info.title];
  if (state === undefined) throw new DraftstateError("NOT_FOUND", `there is no conversation ${id}: "draftstate ls" lists them`);
  const conversation = newId === undefined ? await manager.openNew() : await manager.open(newId, { expect: "new" });
  conversation.replaceState(state);
  if (title !== undefined && title !== "") conversation.updateInfo({ title });
  return conversation;
}

async function open(manager: DraftStatePersistenceManager, options: ChatOptions): Promise<Conversation> {
  if (options.fork !== undefined) return openFork(manager, options.fork, options.id);
  if (options.continue === true) return manager.open(await lastConversation(manager), { expect: "existing" });
  if (options.resume !== undefined) return manager.open(await resolveId(manager, options.resume), { expect: "existing" });
  return options.id === undefined ? manager.openNew() : manager.open(options.id, { expect: "new" });
}

/** A resumed conversation goes on with its own model and server unless told otherwise. */
function modelSettings(context: CommandContext, info: Pick<Info, "model" | "baseUrl">): { model: string | undefined; baseUrl: string | undefined } {
  const { settings, options } = context;
  const chosen = (name: "model" | "baseUrl"): boolean => options.settings.origins[name] !== "default";
  return {
    model: chosen("model") ? settings.model : (info.model ?? settings.model),
    baseUrl: chosen("baseUrl") ? settings.baseUrl : (info.baseUrl ?? settings.baseUrl),
  };
}

function managerFor(context: CommandContext, options: ChatOptions): DraftStatePersistenceManager {
  if (options.save) return context.manager();
  return context.manager(new MemoryStorage({ now: () => context.now(), command: context.options.command }));
}

/** Throws `MODEL` where there is neither key nor server, and for a new conversation does so before there is one. */
async function makeAgent(context: CommandContext, info: Pick<Info, "model" | "baseUrl">, manager: DraftStatePersistenceManager) {
  const { DraftHybridStreamingAgent } = await import("../../agent/agent.js");
  const { selectModel } = await import("../../agent/models/select.js");
  const apiKey = context.options.env["OPENAI_API_KEY"] === "" ? undefined : context.options.env["OPENAI_API_KEY"];
  const { model, baseUrl } = modelSettings(context, info);
  const { seed, offlineTokenDelay, modelRetries, system } = context.settings;
  const selected = await selectModel({ model, baseUrl, apiKey, seed, offlineTokenDelay, modelRetries });
  if (selected.offline && model === undefined) {
    context.output.message(context.output.errorStyle.dim("no OPENAI_API_KEY and no --base-url: the built-in offline story model answers"));
  }
  return {
    baseUrl: selected.offline ? undefined : baseUrl,
    agent: new DraftHybridStreamingAgent({
      model: selected.model,
      modelName: selected.name,
      manager,
      secrets: apiKey === undefined ? [] : [apiKey],
      ...(system === undefined ? {} : { systemPrompt: system }),
    }),
  };
}

async function chat(words: readonly string[], options: ChatOptions, context: CommandContext): Promise<number> {
  assertOneStart(options);
  const { input } = context.options;
  const onTerminal = input.isTTY === true && context.output.errorIsTerminal;
  const read = await readPrompt(words.join(" "), input, context.output);
  const interactive = options.interactive === true || (read.prompt === undefined && onTerminal);
  const mayGoOn = options.resume !== undefined || options.continue === true;
  if (read.prompt === undefined && !interactive && !mayGoOn) {
    throw new DraftstateError("USAGE", 'there is nothing to answer: draftstate chat "Tell me a story", or pipe a prompt in');
  }
  const manager = managerFor(context, options);
  const early = mayGoOn ? undefined : await makeAgent(context, {}, manager);
  const conversation = await open(manager, options);
  const openedAt = conversation.durableRevision;
  try {
    const resumption = await whatToDo(conversation, { prompt: read.prompt, ask: onTerminal && read.prompt === undefined ? input : undefined });
    if (resumption === "nothing" && read.prompt === undefined && !interactive) {
      throw new DraftstateError("USAGE", `${conversation.id} is complete: give a prompt to go on, such as draftstate chat --resume ${conversation.id} "Go on"`);
    }
    const { agent, baseUrl } = early ?? (await makeAgent(context, conversation.info, manager));
    await takeBack(conversation, resumption);
    const turn = { agent, conversation, context, baseUrl, title: read.title === undefined ? undefined : titleFrom(read.title) };
    if (interactive && mayGoOn) sayWhere(context, conversation);
    const status = await firstAnswer(turn, read.prompt, resumption);
    return interactive && !context.output.isClosed ? await talk(turn) : status;
  } finally {
    await conversation.close();
    if (options.save && conversation.durableRevision > openedAt) sayHowToResume(context, conversation);
  }
}

type TurnContext = Parameters<typeof answerTo>[0];

async function firstAnswer(turn: TurnContext, prompt: string | undefined, resumption: Resumption): Promise<number> {
  if (prompt === undefined && resumption !== "continue" && resumption !== "regenerate") return 0;
  return answerTo(turn, prompt);
}

function sayWhere(context: CommandContext, conversation: Conversation): void {
  const { errorStyle } = context.output;
  const title = toSafeLine(titleOf(conversation.version));
  context.output.message(`${errorStyle.bold(title === "" ? conversation.id : title)} ${errorStyle.dim(`${conversation.id}, ${pluralize(messagesOf(conversation.version.state).length, "message")}`)}`);
}

function sayHowToResume(context: CommandContext, conversation: Conversation): void {
  const status = statusOf(conversation.version.state);
  const note = status === "complete" ? "" : ` (${status})`;
  context.output.message(context.output.errorStyle.dim(`saved as ${conversation.id}${note}; go on with: draftstate chat --resume ${conversation.id}`));
}

export const registerChat: Register = (program, run) => {
  program
    .command("chat [prompt...]")
    .summary("stream an answer, saving every token")
    .description("Stream an answer, saving as it goes: a token is shown once it is on disk. The prompt comes from the arguments, from stdin, or both (stdin as context). Without one, on a terminal, a conversation begins.")
    .option("--model <name>", "openai:<name>, <name>, or offline")
    .option("--base-url <url>", "an OpenAI-compatible server (Ollama, vLLM, llama.cpp, LM Studio)")
    .option("--system <prompt>", "the system prompt")
    .option("--seed <number>", "seed of the offline model")
    .option("--id <id>", "id of the new conversation")
    .option("-c, --continue", "go on with the last conversation")
    .option("--resume <id>", "go on with this one")
    .option("--fork <id[@backup]>", "begin a new one as this one is, or was")
    .option("-i, --interactive", "go on asking after the first answer")
    .option("--no-save-on-token", "do not save each token; show it at once")
    .option("--no-save", "keep nothing")
    .addHelpText(
      "after",
      '\nExamples:\n  draftstate chat "Tell me a story"\n  draftstate chat -c "And then?"\n  git diff | draftstate chat "Review this" --model openai:gpt-4o-mini\n  draftstate chat --base-url http://localhost:11434/v1 --model llama3.2',
    )
    .action((words: string[], options: ChatOptions) =>
      run(async (context) => {
        try {
          return await chat(words, options, context);
        } catch (error) {
          if (!context.json || !isDraftstateError(error)) throw error;
          const { code, message, path } = error;
          context.output.jsonLine({ type: "error", code, message, error: { code, message, path: path ?? null } });
          context.output.error(message);
          return exitStatusOf(error);
        }
      }),
    );
};

