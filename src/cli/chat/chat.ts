/** One run of `chat`, from its options to its exit status. Only the answer on stdout, the rest on stderr. */
import { DraftstateError } from "../../errors.js";
import { messagesOf, statusOf, titleFrom, titleOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../persistence/conversation-handle.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import { MemoryStorage } from "../../storage/memory.js";
import { answerTo } from "./answer.js";
import { openConsole, type ChatConsole } from "./console.js";
import { carryOut, whatToDo, type Resumption } from "./interrupted.js";
import { chooseModel, wantedFor, type Wanted } from "./model.js";
import { readPrompt, type PromptInput } from "./prompt-input.js";
import { PromptHistory } from "./prompt-history.js";
import { talk } from "./session.js";
import { assertOneStart, goesOn, openConversation, openStandIn, openWhenSaid, type StartOptions } from "./start.js";
import type { ChosenModel, RequestProgress, TurnContext } from "./turn-context.js";
import type { CommandContext } from "../context.js";
import { INTERRUPTED } from "../exit-status.js";
import { pluralize } from "../terminal/format.js";
import { isEnding } from "../terminal/interrupts.js";
import { toSafeLine } from "../terminal/safe-text.js";

export interface ChatOptions extends StartOptions {
  readonly interactive?: boolean;
  readonly plain?: boolean;
}

function managerFor(context: CommandContext, options: ChatOptions): DraftStatePersistenceManager {
  if (options.save) return context.manager();
  return context.manager(new MemoryStorage({ now: () => context.now(), command: context.options.command }));
}

export async function chat(words: readonly string[], options: ChatOptions, context: CommandContext): Promise<number> {
  assertOneStart(options);
  const { input } = context.options;
  const mayAsk = input.isTTY === true && context.output.errorIsTerminal;
  const read = await readPrompt(words.join(" "), input, context.output);
  const interactive = options.interactive === true || (read.prompt === undefined && mayAsk);
  if (read.prompt === undefined && !interactive && !goesOn(options)) {
    throw new DraftstateError("USAGE", 'there is nothing to answer: draftstate chat "Tell me a story", or pipe a prompt in');
  }
  const console = openConsole(context);
  try {
    return await new Chat(context, options, console, { read, interactive, mayAsk }).run();
  } finally {
    console?.close();
  }
}

interface Situation {
  readonly read: PromptInput;
  readonly interactive: boolean;
  readonly mayAsk: boolean;
}

class Chat {
  readonly #progress: RequestProgress = { listener: undefined };
  readonly #manager: DraftStatePersistenceManager;
  #wanted: Wanted;

  constructor(
    private readonly context: CommandContext,
    private readonly options: ChatOptions,
    private readonly console: ChatConsole | undefined,
    private readonly situation: Situation,
  ) {
    this.#manager = managerFor(context, options);
    this.#wanted = wantedFor(context, {}, false);
  }

  async run(): Promise<number> {
    // A model that cannot be asked is an error before there is a new conversation.
    const early = goesOn(this.options) ? undefined : await this.#choose();
    const openFirst = this.#saysNothingYet ? await openWhenSaid(this.#manager, this.options.id) : undefined;
    const conversation = openFirst === undefined ? await openConversation({ context: this.context, console: this.console, manager: this.#manager }, this.options) : await openStandIn(this.context);
    if (conversation === undefined) return INTERRUPTED;
    const openedAt = conversation.durableRevision;
    const turn: { current: TurnContext | undefined } = { current: undefined };
    try {
      return await this.#converse(conversation, early, openFirst, turn);
    } finally {
      const last = turn.current?.conversation ?? conversation;
      await last.close();
      const isKept = this.options.save && (turn.current ?? { openFirst }).openFirst === undefined;
      if (isKept && (last !== conversation || last.durableRevision > openedAt || this.options.fork !== undefined)) this.#sayHowToResume(last);
    }
  }

  get #saysNothingYet(): boolean {
    return this.situation.interactive && this.situation.read.prompt === undefined && this.options.fork === undefined && !goesOn(this.options);
  }

  async #converse(conversation: Conversation, early: ChosenModel | undefined, openFirst: TurnContext["openFirst"], holder: { current: TurnContext | undefined }): Promise<number> {
    const { context, console, situation, options } = this;
    const { prompt, title } = situation.read;
    const resumption = await whatToDo(conversation, { prompt, context, console, mayAsk: situation.mayAsk });
    if (resumption === undefined) return INTERRUPTED;
    if (resumption === "nothing" && prompt === undefined && !situation.interactive) {
      throw new DraftstateError("USAGE", `${conversation.id} is complete: give a prompt to go on, such as draftstate chat --resume ${conversation.id} "Go on"`);
    }
    if (goesOn(options) || options.fork !== undefined) this.#wanted = wantedFor(context, conversation.info, hasSystem(conversation));
    const chosen = early !== undefined && options.fork === undefined ? early : await this.#choose();
    await carryOut(conversation, resumption, context);
    holder.current = {
      context, console, conversation, chosen, openFirst,
      progress: this.#progress,
      plain: options.plain === true,
      interactive: situation.interactive,
      title: title === undefined ? undefined : titleFrom(title),
    };
    return this.#answer(holder.current, resumption);
  }

  async #answer(turn: TurnContext, resumption: Resumption): Promise<number> {
    const { situation } = this;
    const { prompt } = situation.read;
    if (situation.interactive && goesOn(this.options)) this.#sayWhere(turn.conversation);
    const answers = prompt !== undefined || resumption === "continue" || resumption === "regenerate";
    const before = turn.conversation.version.state;
    const status = answers ? await answerTo(turn, prompt) : 0;
    if (!situation.interactive || this.context.output.isClosed || isEnding(status)) return status;
    const history = await PromptHistory.load(this.#manager.storage);
    return talk({ turn, history, manager: this.#manager, wanted: this.#wanted, before: answers ? before : undefined, points: [], initial: "", ending: undefined });
  }

  #choose(): Promise<ChosenModel> {
    return chooseModel({ context: this.context, manager: this.#manager, progress: this.#progress }, this.#wanted);
  }

  #sayWhere(conversation: Conversation): void {
    const { output } = this.context;
    const title = toSafeLine(titleOf(conversation.version));
    const count = pluralize(messagesOf(conversation.version.state).length, "message");
    output.message(`${output.errorStyle.bold(title === "" ? conversation.id : title)} ${output.errorStyle.dim(`${conversation.id}, ${count}`)}`);
  }

  #sayHowToResume(conversation: Conversation): void {
    const { output } = this.context;
    const status = statusOf(conversation.version.state);
    const note = status === "complete" ? "" : ` (${status})`;
    output.message(output.errorStyle.dim(`saved as ${conversation.id}${note}; go on with: draftstate chat --resume ${conversation.id}`));
  }
}

function hasSystem(conversation: Conversation): boolean {
  return messagesOf(conversation.version.state).some((message) => isJsonObject(message) && message["role"] === "system");
}
