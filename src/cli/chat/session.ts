/**
 * A conversation at the prompt, over several turns: it answers, and moves to another conversation, a copy or a new one.
 * Knows no slash command; what a method did is printed by its caller.
 */
import { statusOf, type State } from "../../model/conversation.js";
import type { Backup } from "../../store/backups.js";
import type { Conversation } from "../../session/conversation.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { CommandContext } from "../context.js";
import { INTERRUPTED } from "../exit-status.js";
import { isEnding } from "../terminal/input/interrupts.js";
import { answerTo } from "./answer.js";
import { stoppedLine } from "./ending.js";
import { confirmAt } from "./ask.js";
import { assertKnown } from "./known-model.js";
import {
  allowedFor,
  assertServerAllowed,
  chooseModel,
  isOffline,
  type ModelSource,
  sayModel,
  switchedTo,
  type Wanted,
} from "./model.js";
import type { PromptHistory } from "./prompt-history.js";
import { note } from "./say.js";
import type { ChosenModel, TurnContext } from "./session-types.js";
import { assertFree, openExisting, openStandIn, openWhenSaid } from "./start.js";

export interface SessionParts {
  readonly turn: TurnContext;
  readonly manager: DraftStatePersistenceManager;
  readonly history: PromptHistory;
  readonly wanted: Wanted;
  /** Before an answer that was given already. */
  readonly before: State | undefined;
}

export class ChatSession {
  readonly turn: TurnContext;
  readonly manager: DraftStatePersistenceManager;
  readonly history: PromptHistory;
  wanted: Wanted;
  /** Before the last change that was made here, for /diff. */
  before: State | undefined;
  /** As last listed, for completion. */
  points: readonly Backup[] = [];
  /** The turns that /undo took, the last one last, each with the conversation's revision after it. */
  takenBack: { readonly id: string; readonly backup: string; readonly revision: number }[] = [];
  /** Text that the next prompt begins with. */
  initial = "";
  #ending: number | undefined;

  constructor({ turn, manager, history, wanted, before }: SessionParts) {
    this.turn = turn;
    this.manager = manager;
    this.history = history;
    this.wanted = wanted;
    this.before = before;
  }

  get context(): CommandContext {
    return this.turn.context;
  }

  get conversation(): Conversation {
    return this.turn.conversation;
  }

  /** The exit status of a signal that came during an answer. */
  get ending(): number | undefined {
    return this.#ending;
  }

  /** Without a prompt the last answer is continued, or the last question answered. */
  async answer(prompt: string | undefined): Promise<void> {
    const { turn } = this;
    await this.begin();
    this.before = this.conversation.version.state;
    const status = await answerTo(turn, prompt);
    turn.title = undefined;
    if (isEnding(status)) this.#ending = status;
    this.sayStopped(status);
  }

  /** Where it was stopped, and the chat goes on. */
  sayStopped(status: number): void {
    if (status !== INTERRUPTED) return;
    this.turn.console?.keyboard?.disarm();
    note(this.context, stoppedLine(statusOf(this.conversation.version.state) === "complete"));
  }

  /** Another answer to the last question: the offline model, which would repeat itself, gets another seed. */
  async answerAnew(): Promise<void> {
    const { turn, wanted, context } = this;
    const usual = turn.chosen;
    const model = usual.agent.modelName;
    if (model === "offline") {
      const seed = context.settings.seed + this.conversation.version.revision;
      turn.chosen = await chooseModel({ ...this.#source, seed }, { ...wanted, model });
    }
    await this.answer(undefined).finally(() => {
      turn.chosen = usual;
    });
  }

  /** Makes the conversation that a new session is to have, once something is said in it. */
  async begin(): Promise<void> {
    const { turn } = this;
    if (turn.openFirst === undefined) return;
    const standIn = turn.conversation;
    turn.conversation = await turn.openFirst();
    turn.openFirst = undefined;
    await standIn.close();
  }

  /** Keeps the current conversation until the other is open and has a model; then releases its lock. */
  async switchTo(id: string): Promise<void> {
    const from = this.conversation;
    await from.flush();
    const to = await openExisting(this.manager, id);
    const { wanted, chosen } = await this.#modelFor(to).catch(async (error: unknown) => {
      await to.close();
      throw error;
    });
    Object.assign(this.turn, { conversation: to, chosen, openFirst: undefined, title: undefined });
    this.wanted = wanted;
    this.before = undefined;
    this.points = [];
    await sayModel(this.context, chosen, this.manager.storage);
    await from.close();
  }

  /** The id of the conversation that it left; undefined if nothing was said in it. */
  async startNew(newId: string | undefined): Promise<string | undefined> {
    const { turn } = this;
    if (newId !== undefined) await assertFree(this.manager, newId, "/resume");
    const openFirst = await openWhenSaid(this.manager, newId);
    const from = turn.conversation;
    const wasUsed = turn.openFirst === undefined;
    turn.conversation = await openStandIn(this.context);
    turn.openFirst = openFirst;
    turn.title = undefined;
    this.before = undefined;
    await from.close();
    return wasUsed ? from.id : undefined;
  }

  /** Continues in a copy. */
  async fork(newId: string | undefined): Promise<void> {
    if (newId !== undefined) await assertFree(this.manager, newId, "/resume");
    const from = this.conversation;
    await from.flush();
    const { conversationId } = await this.manager.fork(from.id, newId === undefined ? {} : { newId });
    this.turn.conversation = await this.manager.open(conversationId, { expect: "existing" });
    this.before = undefined;
    await from.close();
  }

  /** From the next message on. */
  async useModel(name: string): Promise<void> {
    const wanted = switchedTo(this.context, this.wanted, name);
    if (isOffline(this.wanted.model))
      await assertServerAllowed(this.context, this.conversation.id, wanted, confirmAt(this.turn));
    await assertKnown(this.context, name, wanted);
    this.turn.chosen = await this.#choose(wanted);
    this.wanted = wanted;
  }

  /** From the next message on. */
  async useSystem(system: string): Promise<void> {
    const wanted = { ...this.wanted, system };
    this.turn.chosen = await this.#choose({ ...wanted, model: this.turn.chosen.agent.modelName });
    this.wanted = wanted;
  }

  async #modelFor(conversation: Conversation): Promise<{ wanted: Wanted; chosen: ChosenModel }> {
    const confirm = confirmAt(this.turn);
    const wanted = await allowedFor(this.context, conversation, confirm);
    return { wanted, chosen: await this.#choose(wanted) };
  }

  #choose(wanted: Wanted): Promise<ChosenModel> {
    return chooseModel(this.#source, wanted);
  }

  get #source(): ModelSource {
    const { context, manager, turn } = this;
    return { context, manager, progress: turn.progress, tools: turn.tools };
  }
}
