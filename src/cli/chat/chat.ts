/** One run of `chat`, from its options to its exit status. Only the answer on stdout, the rest on stderr. */
import { DraftstateError } from "../../errors.js";
import { statusOf, titleFrom } from "../../model/conversation.js";
import type { Conversation } from "../../session/conversation.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { MemoryStorage } from "../../storage/memory.js";
import { answerTo } from "./answer.js";
import { openConsole, type ChatConsole } from "./console.js";
import { carryOut, whatToDo, type Resumption } from "./interrupted.js";
import { chooseModel, sayModel, wantedFor, type Wanted } from "./model.js";
import { hasSystem, sayWhere } from "./other-conversations.js";
import { findPerson, type Person } from "./person.js";
import { readPrompt, type PromptInput } from "./prompt-input.js";
import { PromptHistory } from "./prompt-history.js";
import { note, noteWithCommand } from "./say.js";
import { talk } from "./prompt-loop.js";
import { assertOneStart, goesOn, openConversation, openStandIn, openWhenSaid, type StartOptions } from "./start.js";
import type { ChosenModel, RequestProgress, TurnContext } from "./session-types.js";
import type { CommandContext } from "../context.js";
import { INTERRUPTED } from "../exit-status.js";
import { isEnding } from "../terminal/input/interrupts.js";

export interface ChatOptions extends StartOptions {
  readonly interactive?: boolean;
  readonly plain?: boolean;
}

function managerFor(context: CommandContext, options: ChatOptions): DraftStatePersistenceManager {
  if (options.save) return context.manager();
  return context.manager(new MemoryStorage({ now: () => context.now(), command: context.command }));
}

export async function chat(words: readonly string[], options: ChatOptions, context: CommandContext): Promise<number> {
  assertOneStart(options);
  const { input } = context;
  const read = await readPrompt(words.join(" "), input, context.output);
  const interactive =
    options.interactive === true ||
    (read.prompt === undefined && input.isTTY === true && context.output.errorIsTerminal);
  const person = interactive || options.resume === true ? await findPerson(context) : undefined;
  const maySay = interactive && (person !== undefined || options.fork !== undefined);
  if (read.prompt === undefined && !maySay && !goesOn(options)) {
    throw new DraftstateError(
      "USAGE",
      'there is nothing to answer: draftstate chat "Tell me a story", or pipe a prompt in',
    );
  }
  const console = openConsole(context, person?.input);
  try {
    return await new Chat(context, options, console, { read, interactive, person }).run();
  } finally {
    console?.close();
    person?.close();
  }
}

interface Situation {
  readonly read: PromptInput;
  readonly interactive: boolean;
  /** Undefined where nothing is asked, or nobody is there to be. */
  readonly person: Person | undefined;
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
    const conversation =
      openFirst === undefined
        ? await openConversation({ context: this.context, console: this.console, manager: this.#manager }, this.options)
        : await openStandIn(this.context);
    if (conversation === undefined) return INTERRUPTED;
    if (!this.situation.interactive) this.console?.leaveKeys();
    const openedAt = conversation.durableRevision;
    const turn: { current: TurnContext | undefined } = { current: undefined };
    try {
      return await this.#converse(conversation, early, openFirst, turn);
    } finally {
      const last = turn.current?.conversation ?? conversation;
      await last.close();
      const isKept = this.options.save && (turn.current ?? { openFirst }).openFirst === undefined;
      if (isKept && (last !== conversation || last.durableRevision > openedAt || this.options.fork !== undefined))
        this.#sayHowToResume(last);
    }
  }

  get #saysNothingYet(): boolean {
    return (
      this.situation.interactive &&
      this.situation.read.prompt === undefined &&
      this.options.fork === undefined &&
      !goesOn(this.options)
    );
  }

  async #converse(
    conversation: Conversation,
    early: ChosenModel | undefined,
    openFirst: TurnContext["openFirst"],
    holder: { current: TurnContext | undefined },
  ): Promise<number> {
    const { context, console, situation, options } = this;
    const { prompt, title } = situation.read;
    const input = situation.person?.input;
    if (situation.interactive && (goesOn(options) || options.fork !== undefined)) sayWhere({ context }, conversation);
    const resumption = await whatToDo(conversation, {
      prompt,
      context,
      console,
      input,
      mayAsk: situation.person?.mayBeAsked === true && situation.interactive,
    });
    if (resumption === undefined) return INTERRUPTED;
    if (resumption === "nothing" && prompt === undefined && !situation.interactive) {
      throw new DraftstateError(
        "USAGE",
        `${conversation.id} is complete: give a prompt to go on, such as draftstate chat --resume ${conversation.id} "Go on"`,
      );
    }
    if (goesOn(options) || options.fork !== undefined)
      this.#wanted = wantedFor(context, conversation.info, hasSystem(conversation));
    const chosen = early !== undefined && options.fork === undefined ? early : await this.#choose();
    sayModel(context, chosen);
    await carryOut(conversation, resumption, context);
    holder.current = {
      context,
      console,
      input,
      conversation,
      chosen,
      openFirst,
      progress: this.#progress,
      plain: options.plain === true,
      title: title === undefined ? undefined : titleFrom(title),
    };
    return this.#answer(holder.current, resumption);
  }

  async #answer(turn: TurnContext, resumption: Resumption): Promise<number> {
    const { situation } = this;
    const { prompt } = situation.read;
    const answers = prompt !== undefined || resumption === "continue" || resumption === "regenerate";
    const before = turn.conversation.version.state;
    const status = answers ? await answerTo(turn, prompt) : 0;
    if (!situation.interactive || this.context.output.isClosed || isEnding(status)) return status;
    if (situation.person === undefined) {
      this.#sayNobodyIsThere(turn.conversation);
      return status;
    }
    const history = await PromptHistory.load(this.#manager.storage);
    return talk({
      turn,
      history,
      manager: this.#manager,
      wanted: this.#wanted,
      before: answers ? before : undefined,
      points: [],
      initial: "",
      ending: undefined,
    });
  }

  #choose(): Promise<ChosenModel> {
    return chooseModel({ context: this.context, manager: this.#manager, progress: this.#progress }, this.#wanted);
  }

  #sayNobodyIsThere({ id }: Conversation): void {
    if (this.options.save)
      noteWithCommand(
        this.context,
        "there is no terminal to go on at: at one, go on with",
        `draftstate chat --resume ${id}`,
      );
    else note(this.context, "there is no terminal to go on at, and --no-save keeps nothing");
  }

  #sayHowToResume(conversation: Conversation): void {
    const status = statusOf(conversation.version.state);
    const how = status === "complete" ? "" : ` (${status})`;
    noteWithCommand(
      this.context,
      `saved as ${conversation.id}${how}; go on with`,
      `draftstate chat --resume ${conversation.id}`,
    );
  }
}
