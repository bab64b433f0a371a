/**
 * The draft's agent: a LangGraph chat agent whose every token is in the persistence manager's hands as it streams.
 * Each state it yields is immutable; leaving the loop early or aborting keeps what was streamed, as `interrupted`.
 */
import { randomUUID } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { titleFrom, type AgentState } from "../model/conversation.js";
import { redactUrl } from "../model/urls.js";
import type { Conversation } from "../session/conversation.js";
import { createDraftStatePersistenceManager } from "../create-manager.js";
import type { DraftStatePersistenceManager, OpenOptions } from "../manager.js";
import { approveFresh, type Approve } from "./approval.js";
import { TurnGraph } from "./graph.js";
import { OfflineStoryModel } from "./models/offline.js";
import { runTurn, type TurnEvent } from "./turn.js";

export interface AgentOptions {
  /** Any LangChain chat model; the built-in offline one by default. */
  readonly model?: BaseChatModel;
  /** `provider:name`, kept with each answer. */
  readonly modelName?: string;
  readonly manager?: DraftStatePersistenceManager;
  readonly tools?: readonly StructuredToolInterface[];
  /** Asked before each call of a tool. Left out, tools run; none is repeated after a crash: the model is told that its result is lost. */
  readonly approve?: Approve;
  readonly systemPrompt?: string;
  /** Texts that must not reach a message or a state, such as keys. */
  readonly secrets?: readonly string[];
  readonly now?: () => Date;
  readonly newId?: () => string;
}

export interface StreamOptions {
  /** Left out, or an id that has no conversation yet: a new conversation is made. */
  readonly conversationId?: string;
  readonly signal?: AbortSignal;
}

export interface RunTurnOptions {
  readonly signal?: AbortSignal;
  /** A title for a conversation that has none; taken from the prompt where it is left out. */
  readonly title?: string;
  readonly baseUrl?: string;
  /** In place of the agent's. */
  readonly approve?: Approve;
}

/** The agent's state as programs see it: the conversation's state and its id. */
export type ConversationState = AgentState & { readonly conversationId: string };

export class DraftHybridStreamingAgent {
  readonly manager: DraftStatePersistenceManager;
  readonly modelName: string | undefined;
  readonly #options: AgentOptions;
  readonly #graph: TurnGraph;

  constructor(options: AgentOptions = {}) {
    this.#options = options;
    this.manager = options.manager ?? createDraftStatePersistenceManager();
    this.modelName = options.model === undefined ? "offline" : (options.modelName ?? nameOf(options.model));
    const { model = new OfflineStoryModel(), tools = [], secrets = [] } = options;
    this.#graph = new TurnGraph({ model, tools, secrets });
  }

  /** A state after each token. Throws `MODEL` when the model fails (the partial answer is kept), `STORAGE` when it cannot be saved. */
  async *streamConversation(prompt: string, options: StreamOptions = {}): AsyncGenerator<ConversationState> {
    const conversation =
      options.conversationId === undefined ? await this.manager.openNew() : await this.open(options.conversationId);
    try {
      for await (const event of this.runTurn(conversation, prompt, options)) {
        yield withId(conversation.id, event.state);
        if (event.type === "end" && event.error !== undefined) throw event.error;
      }
    } finally {
      await conversation.close();
    }
  }

  /** Null if there is none. Throws `CORRUPT`. */
  async loadConversation(conversationId: string): Promise<ConversationState | null> {
    const state = await this.manager.loadState(conversationId);
    return state === null ? null : withId(conversationId, state);
  }

  open(conversationId: string, options?: OpenOptions): Promise<Conversation> {
    return this.manager.open(conversationId, options);
  }

  /**
   * One turn in an open conversation, event by event. An undefined prompt goes on where the conversation stands: with calls that
   * are open, or with an answer to what was said last.
   */
  runTurn(
    conversation: Conversation,
    prompt: string | undefined,
    options: RunTurnOptions = {},
  ): AsyncGenerator<TurnEvent> {
    const { now = () => new Date(), newId = randomUUID, secrets = [], systemPrompt } = this.#options;
    const { saveOnToken, realTimeSave } = this.manager.settings;
    return runTurn({
      onBegin: () => {
        this.#describe(conversation, prompt, options);
      },
      conversation,
      prompt,
      systemPrompt,
      secrets,
      now,
      newId,
      elapsed: () => this.manager.elapsed(),
      measure: () => this.manager.monitor.beginAnswer(conversation.id, this.modelName),
      graph: this.#graph,
      approve: options.approve ?? this.#options.approve ?? approveFresh,
      modelName: this.modelName,
      signal: options.signal,
      showDurableOnly: saveOnToken && realTimeSave,
    });
  }

  #describe(conversation: Conversation, prompt: string | undefined, options: RunTurnOptions): void {
    const { info } = conversation;
    const baseUrl = options.baseUrl === undefined ? undefined : redactUrl(options.baseUrl);
    const title = info.title ?? options.title ?? (prompt === undefined ? undefined : titleFrom(prompt));
    const change = {
      ...(title === undefined || title === info.title ? {} : { title }),
      ...(this.modelName === undefined || this.modelName === info.model ? {} : { model: this.modelName }),
      ...(baseUrl === info.baseUrl || baseUrl === undefined ? {} : { baseUrl }),
    };
    if (Object.keys(change).length > 0) conversation.updateInfo(change);
  }
}

function withId(conversationId: string, state: AgentState): ConversationState {
  return Object.freeze({ conversationId, ...state });
}

function nameOf(model: BaseChatModel): string {
  const name: unknown = Reflect.get(model, "model") ?? Reflect.get(model, "modelName");
  const provider = model._llmType();
  return typeof name === "string" && name !== "" ? `${provider}:${name}` : provider;
}
