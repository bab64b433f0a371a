/** One run of `chat`, from its options to its exit status. Only the answer goes to stdout. */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import { statusOf, titleFrom } from "../../model/conversation.js";
import type { Conversation } from "../../session/conversation.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { MemoryStorage } from "../../storage/memory.js";
import { answerTo } from "./answer.js";
import type { ChatConsole } from "./console.js";
import { lastRoleOf } from "./last-turn.js";
import { carryOut, whatToDo, type Resumption } from "./interrupted.js";
import { allowedFor, chooseModel, sayModel, wantedFor, type Confirm, type Wanted } from "./model.js";
import type { Person } from "./person.js";
import { readPrompt, type PromptInput } from "./prompt-input.js";
import { note } from "./say.js";
import { assertOneStart, isResuming, openConversation, openStandIn, openWhenSaid, type StartOptions } from "./start.js";
import type { ChosenModel, RequestProgress, TurnContext } from "./session-types.js";
import type { CommandContext } from "../context.js";
import { INTERRUPTED } from "../exit-status.js";
import type { InputStream } from "../io.js";
import { exposedDirectories } from "../settings/exposed-places.js";
import { toolsFor, type ToolOptions, type TurnTools } from "../tools/tools-for.js";
import { isEnding } from "../terminal/input/interrupts.js";
import { settleTracing } from "./tracing.js";
import { sayWhere } from "./where.js";

export interface ChatOptions extends StartOptions, ToolOptions {
  readonly interactive?: boolean;
  readonly plain?: boolean;
}

export async function chat(words: readonly string[], options: ChatOptions, context: CommandContext): Promise<number> {
  assertOneStart(options);
  settleTracing(context, options);
  if (options.save) for (const exposed of exposedDirectories(context)) context.output.warning(exposed);
  const situation = await situationOf(words, options, context);
  let tools: TurnTools | undefined;
  let console: ChatConsole | undefined;
  try {
    tools = await toolsFor(context, options);
    console = await consoleFor(context, situation.person?.input);
    return await new Chat(context, options, console, situation, tools, await managerFor(context, options)).run();
  } finally {
    console?.close();
    situation.person?.close();
    await tools?.close();
  }
}

interface Situation {
  readonly read: PromptInput;
  readonly interactive: boolean;
  /** Undefined if nothing is asked, or the user cannot be asked. */
  readonly person: Person | undefined;
}

/** Throws `USAGE` if there is nothing to answer. */
async function situationOf(
  words: readonly string[],
  options: ChatOptions,
  context: CommandContext,
): Promise<Situation> {
  const { input, output } = context;
  const read = await readPrompt(words.join(" "), input, output);
  const interactive =
    options.interactive === true || (read.prompt === undefined && input.isTTY === true && output.errorIsTerminal);
  const person =
    interactive || options.resume === true ? await (await import("./person.js")).findPerson(context) : undefined;
  const maySay = interactive && (person !== undefined || options.fork !== undefined);
  if (read.prompt === undefined && !maySay && !isResuming(options))
    throw new DraftstateError("USAGE", 'no prompt given: try draftstate chat "Tell me a story", or pipe a prompt in');
  return { read, interactive, person };
}

/** What draws on a terminal is loaded only where there is one. */
async function consoleFor(context: CommandContext, input: InputStream | undefined): Promise<ChatConsole | undefined> {
  if (!context.output.mayMoveCursor || context.json) return undefined;
  return (await import("./console.js")).openConsole(context, input);
}

function managerFor(context: CommandContext, options: ChatOptions): Promise<DraftStatePersistenceManager> {
  if (options.save) return context.manager();
  return context.manager(new MemoryStorage({ now: () => context.now(), command: context.command }));
}

class Chat {
  readonly #progress: RequestProgress = { listener: undefined };
  #wanted: Wanted;
  #turn: TurnContext | undefined;

  constructor(
    private readonly context: CommandContext,
    private readonly options: ChatOptions,
    private readonly console: ChatConsole | undefined,
    private readonly situation: Situation,
    private readonly tools: TurnTools | undefined,
    private readonly manager: DraftStatePersistenceManager,
  ) {
    this.#wanted = wantedFor(context, {}, false);
  }

  async run(): Promise<number> {
    // A model that cannot be used is an error before a new conversation is made.
    const early = isResuming(this.options) ? undefined : await this.#choose();
    const openFirst = this.#saysNothingYet ? await openWhenSaid(this.manager, this.options.id) : undefined;
    const conversation =
      openFirst === undefined
        ? await openConversation({ context: this.context, console: this.console, manager: this.manager }, this.options)
        : await openStandIn(this.context);
    if (conversation === undefined) return INTERRUPTED;
    if (!this.situation.interactive) this.console?.leaveKeys();
    try {
      return await this.#converseToTheEnd(conversation, early, openFirst);
    } catch (error) {
      throw this.#toBeContinued(error, this.#turn?.conversation ?? conversation);
    }
  }

  async #converseToTheEnd(
    conversation: Conversation,
    early: ChosenModel | undefined,
    openFirst: TurnContext["openFirst"],
  ): Promise<number> {
    const openedAt = conversation.durableRevision;
    try {
      return await this.#converse(conversation, early, openFirst);
    } finally {
      const last = this.#turn?.conversation ?? conversation;
      await last.close();
      const isKept = this.options.save && (this.#turn ?? { openFirst }).openFirst === undefined;
      if (isKept && (last !== conversation || last.durableRevision > openedAt || this.options.fork !== undefined))
        this.#sayHowToResume(last);
    }
  }

  /** What was saved before the store could not be written any more goes on once it can. */
  #toBeContinued(error: unknown, { id, durableRevision }: Conversation): unknown {
    if (!isDraftstateError(error, "STORAGE") || !this.options.save || durableRevision === 0) return error;
    const { code, message, path, cause } = error;
    return new DraftstateError(code, `${message}; then continue with: draftstate chat --resume ${id}`, {
      ...(path === undefined ? {} : { path }),
      cause,
    });
  }

  get #isResumed(): boolean {
    return isResuming(this.options) || this.options.fork !== undefined;
  }

  get #saysNothingYet(): boolean {
    return this.situation.interactive && this.situation.read.prompt === undefined && !this.#isResumed;
  }

  async #converse(
    conversation: Conversation,
    early: ChosenModel | undefined,
    openFirst: TurnContext["openFirst"],
  ): Promise<number> {
    const { context, console, situation, options } = this;
    const { title } = situation.read;
    if (situation.interactive && this.#isResumed) await sayWhere(context, conversation, options.plain === true);
    const resumption = await this.#resumption(conversation);
    if (resumption === undefined) return INTERRUPTED;
    if (this.#isResumed) this.#wanted = await allowedFor(context, conversation, await this.#confirm());
    const chosen = early !== undefined && options.fork === undefined ? early : await this.#choose();
    await sayModel(context, chosen, this.manager.storage);
    await carryOut(conversation, resumption, context);
    this.#turn = {
      context,
      console,
      input: situation.person?.input,
      conversation,
      chosen,
      openFirst,
      progress: this.#progress,
      plain: options.plain === true,
      atPrompt: situation.interactive && situation.person !== undefined,
      failedLastingly: false,
      tools: this.tools,
      store: this.manager.storage.identity,
      isSaved: options.save,
      allowedHere: new Set(),
      title: title === undefined ? undefined : titleFrom(title),
    };
    return this.#answer(this.#turn, resumption);
  }

  /** Throws `USAGE` if the conversation is complete and nothing more is asked. */
  async #resumption(conversation: Conversation): Promise<Resumption | undefined> {
    const { context, console, situation } = this;
    const { prompt } = situation.read;
    const resumption = await whatToDo(conversation, {
      prompt,
      context,
      console,
      tools: this.tools,
      input: situation.person?.input,
      mayAsk: situation.person?.mayBeAsked === true && situation.interactive,
    });
    if (resumption === "nothing" && prompt === undefined && !situation.interactive)
      throw new DraftstateError(
        "USAGE",
        `${conversation.id} is complete: give a prompt, such as draftstate chat --resume ${conversation.id} "Go on"`,
      );
    return resumption;
  }

  async #answer(turn: TurnContext, resumption: Resumption): Promise<number> {
    const { situation } = this;
    const { prompt } = situation.read;
    const answers = prompt !== undefined || resumption === "continue" || resumption === "regenerate";
    const before = answers ? turn.conversation.version.state : undefined;
    const status = answers ? await answerTo(turn, prompt) : 0;
    if (!situation.interactive || this.context.output.isClosed || isEnding(status)) return status;
    if (situation.person !== undefined) return this.#talk(turn, before, status);
    this.#sayNobodyIsThere(turn.conversation);
    return status;
  }

  async #talk(
    turn: TurnContext,
    before: TurnContext["conversation"]["version"]["state"] | undefined,
    status: number,
  ): Promise<number> {
    const [{ ChatSession }, { PromptHistory }, { talk }] = await Promise.all([
      import("./session.js"),
      import("./prompt-history.js"),
      import("./prompt-loop.js"),
    ]);
    const history = await PromptHistory.load(this.manager.storage);
    const session = new ChatSession({ turn, history, manager: this.manager, wanted: this.#wanted, before });
    session.sayStopped(status);
    return talk(session);
  }

  /** Undefined if the user cannot be asked. */
  async #confirm(): Promise<Confirm> {
    const { context, console, situation } = this;
    if (!situation.interactive) return context.mayAsk({}) ? (question) => context.confirm(question) : undefined;
    const { confirmAt } = await import("./ask.js");
    return confirmAt({ context, console, input: situation.person?.input });
  }

  #choose(): Promise<ChosenModel> {
    const { context, manager, tools } = this;
    return chooseModel({ context, manager, tools, progress: this.#progress }, this.#wanted);
  }

  #sayNobodyIsThere({ id }: Conversation): void {
    if (this.options.save)
      note(this.context, `no terminal to continue at; at one, resume with: draftstate chat --resume ${id}`);
    else note(this.context, "no terminal to continue at, and --no-save keeps nothing");
  }

  #sayHowToResume(conversation: Conversation): void {
    const status = statusOf(conversation.version.state);
    const isOpen = status === "complete" && lastRoleOf(conversation) === "user";
    const how = isOpen ? " (not answered)" : status === "complete" ? "" : ` (${status})`;
    const advice =
      this.#turn?.failedLastingly === true ? "it would fail again as it is, so ask another model with" : "resume with";
    const model = this.#turn?.failedLastingly === true ? " --model <name>" : "";
    note(
      this.context,
      `saved as ${conversation.id}${how}; ${advice}: draftstate chat --resume ${conversation.id}${model}`,
    );
  }
}
