/**
 * One turn: the model's stream is tapped token by token into the conversation, and given to the reader once it is
 * durable. The pump never waits for the watcher's disk promise; the watcher never sees what the disk has not.
 */
import type { BaseMessage } from "@langchain/core/messages";
import { DraftstateError, messageOf } from "../errors.js";
import { assertAgentState } from "../model/agent-state.js";
import type { AgentState, Message, ToolCall, Usage } from "../model/conversation.js";
import { callsToResume, resumeRound, type OpenCall } from "../model/tool-calls.js";
import { beginTurn, endAnswer, ensureAgentFields, type AnswerEnd } from "../model/transitions.js";
import type { AnswerMeter } from "../metrics/monitor.js";
import { AnswerTooLong } from "../session/answer-limit.js";
import { Channel } from "../session/channel.js";
import type { Conversation } from "../session/conversation.js";
import type { Approve } from "./approval.js";
import type { TurnGraph } from "./graph.js";
import { giveBackOf } from "./give-back.js";
import { GO_ON } from "./messages.js";
import { toModelMessages, toModelSequence, usageOf } from "./messages.js";
import { errorWithoutSecrets, modelError } from "./model-error.js";
import { isLasting, ModelFailure } from "./model-failure.js";
import { outcomeOf, type EndedStatus, type Outcome } from "./outcome.js";
import { jsonWithoutSecrets, REDACTED, SecretFilter, withoutSecrets } from "./secret-filter.js";
import { TurnCalls, TurnStopped } from "./turn-calls.js";
import { UnreadableAnswer } from "./unreadable.js";

export type { EndedStatus };

export type TurnEvent =
  | { readonly type: "start"; readonly state: AgentState; readonly revision: number }
  | { readonly type: "token"; readonly text: string; readonly state: AgentState; readonly revision: number }
  /** What the model thinks; never a part of the answer. */
  | { readonly type: "reasoning"; readonly text: string; readonly state: AgentState; readonly revision: number }
  /** The model asks for these; told before anyone is asked about them, also of calls that an earlier process left open. */
  | {
      readonly type: "calls";
      readonly calls: readonly ToolCall[];
      readonly state: AgentState;
      readonly revision: number;
    }
  /** Results, as they come. */
  | {
      readonly type: "tools";
      readonly messages: readonly Message[];
      readonly state: AgentState;
      readonly revision: number;
    }
  /** The disk takes longer than the answer may be held back: from here on tokens are shown before they are durable. */
  | { readonly type: "stalled"; readonly state: AgentState; readonly revision: number }
  | {
      readonly type: "end";
      readonly status: EndedStatus;
      readonly usage: Usage | undefined;
      readonly error: DraftstateError | undefined;
      /** The model's own word for why it stopped. */
      readonly finishReason: string | undefined;
      /** Whether the same request would fail in the same way. */
      readonly isLasting: boolean;
      /** What was left out of the answer without harm, in words. */
      readonly remarks: readonly string[];
      /** What a person must know of it, in words. */
      readonly warnings: readonly string[];
      readonly state: AgentState;
      readonly revision: number;
    };

export interface TurnOptions {
  readonly conversation: Conversation;
  /** What else changes the conversation when the turn begins. */
  readonly onBegin?: () => void;
  readonly graph: TurnGraph;
  /** Asked before each call of a tool. */
  readonly approve: Approve;
  /** `provider:name`, kept with the answer. */
  readonly modelName: string | undefined;
  /** Undefined goes on where the conversation stands: with calls that are open, or with an answer to what was said last. */
  readonly prompt: string | undefined;
  readonly systemPrompt: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly secrets: readonly string[];
  readonly now: () => Date;
  /** Milliseconds, for durations. */
  readonly elapsed: () => number;
  readonly newId: () => string;
  /** Measures the answer, from when the model is asked. */
  readonly measure: () => AnswerMeter;
  /** Whether tokens wait for the disk: so where each is saved. */
  readonly showDurableOnly: boolean;
}

const ECHOED = `the server said your key in its answer: it is left out (${REDACTED})`;

/** The model is read no faster than it is watched, so that a reader who leaves early leaves an unfinished answer … */
const AHEAD_OF_WATCHER = 1;
/** … but while the watcher waits for the disk, what comes meanwhile shares the next sync: as much as a fast model gives within a slow one. */
const AHEAD_OF_DISK = 256;
/** Longest that a stalled disk may hold back a token, in milliseconds. */
const STALL = 250;
/** Counted in steps of a live event loop: where the process was busy, it is not the disk that is slow. */
const STALL_STEPS = 10;

/** Runs a turn to its end, or until the caller leaves; either way what was streamed is kept. Begins when it is first asked for an event. */
export function runTurn(options: TurnOptions): AsyncGenerator<TurnEvent> {
  return new Turn(options).run();
}

class Turn {
  readonly #events = new Channel<TurnEvent>(AHEAD_OF_WATCHER);
  readonly #abort = new AbortController();
  #pumping: Promise<void> = Promise.resolve();
  #saveError: Error | undefined;
  #stalled = false;
  #meter: AnswerMeter | undefined;
  readonly #text: SecretFilter;
  readonly #reasoning: SecretFilter;
  readonly #calls: TurnCalls;
  #open: readonly OpenCall[] = [];

  constructor(private readonly options: TurnOptions) {
    const { conversation, approve, newId, secrets } = options;
    this.#text = new SecretFilter(secrets);
    this.#reasoning = new SecretFilter(secrets);
    this.#calls = new TurnCalls({
      conversation,
      approve,
      newId,
      signal: this.#abort.signal,
      at: () => this.#at(),
      onAsked: async (calls) => {
        await this.#events.push({ type: "calls", calls, ...this.#now() });
        await this.#events.emptied();
      },
      onResults: (messages) => this.#events.push({ type: "tools", messages, ...this.#now() }),
    });
  }

  async *run(): AsyncGenerator<TurnEvent> {
    const { signal, conversation, onBegin } = this.options;
    const release = conversation.beginAnswer();
    const onAbort = (): void => {
      this.#abort.abort();
    };
    const signals = [conversation.closing, ...(signal === undefined ? [] : [signal])];
    for (const each of signals) {
      if (each.aborted) onAbort();
      each.addEventListener("abort", onAbort, { once: true });
    }
    try {
      onBegin?.();
      await this.#begin();
      // What the user said is durable before a model is asked.
      await conversation.flush();
      yield { type: "start", ...this.#now() };
      this.#pumping = this.#pump();
      for (let event = await this.#events.next(); event !== undefined; event = await this.#events.next()) {
        if (event.type === "end") await conversation.flush();
        // Who has said stop is shown no more, however far ahead of the disk the model was.
        else if (this.#abort.signal.aborted) continue;
        else if (!this.#mayBeShown(event) && !(await this.#becomesDurable(event.revision))) {
          if (this.#saveError !== undefined) {
            this.#abort.abort();
            continue;
          }
          if (!this.#stalled) yield { ...event, type: "stalled" };
          this.#stalled = true;
        }
        yield event;
      }
    } finally {
      for (const each of signals) each.removeEventListener("abort", onAbort);
      this.#abort.abort();
      this.#events.end();
      await this.#pumping;
      release();
      await conversation.endTurn();
    }
    if (this.#saveError !== undefined) throw this.#saveError;
  }

  #now(): { state: AgentState; revision: number } {
    const { conversation } = this.options;
    return { state: conversation.state, revision: conversation.revision };
  }

  #at(): string {
    return this.options.now().toISOString();
  }

  async #begin(): Promise<void> {
    const { conversation, prompt, systemPrompt, newId } = this.options;
    const at = this.#at();
    assertAgentState(conversation.id, conversation.version.state);
    // Another message passes over what waits.
    if (prompt === undefined)
      this.#open = await callsToResume((conversation.version.state as Partial<AgentState>).messages ?? [], (id) =>
        conversation.hasUnbegunCalls(id),
      );
    conversation.update((draft) => {
      ensureAgentFields(draft);
      const system = draft.messages.find((message) => message.role === "system");
      if (systemPrompt !== undefined && system === undefined) {
        draft.messages.unshift({ id: newId(), role: "system", content: systemPrompt, createdAt: at });
      } else if (systemPrompt !== undefined && system !== undefined) system.content = systemPrompt;
      if (this.#open.length > 0) resumeRound(draft);
      beginTurn(
        draft,
        prompt === undefined
          ? { at, answerId: newId() }
          : { at, answerId: newId(), message: { id: newId(), role: "user", content: prompt, createdAt: at } },
      );
    });
  }

  /** Reads the model to its end. Never rejects: how it ended is the last event and the answer's status. */
  async #pump(): Promise<void> {
    this.#meter = this.options.measure();
    const read = await this.#readModel().catch((error: unknown) => this.#failure(error));
    // What a call that was stopped gets for a result comes before the turn's end.
    await this.#calls.settled();
    const outcome = await this.#watched(this.#withoutSecrets(read));
    const { status, error, usage, finishReason, remarks = [] } = outcome;
    try {
      await this.#endAnswer({ ...outcome, status });
    } catch (closed) {
      // The conversation was closed in the middle of the answer: watchers are told, and it stays interrupted.
      this.#saveError ??=
        closed instanceof Error ? closed : new DraftstateError("STORAGE", messageOf(closed), { cause: closed });
      this.#meter.end("interrupted", usage);
      this.#events.end();
      return;
    }
    this.#meter.end(status, usage);
    const warnings = this.#saysSecret ? [ECHOED] : [];
    const ended = { status, usage, error, finishReason, isLasting: isLasting(error), remarks, warnings };
    await this.#events.push({ type: "end", ...ended, ...this.#now() });
    this.#events.end();
  }

  /** A model that was through before its watcher, who left or said stop in the middle, has told him no whole answer. */
  async #watched(outcome: Outcome): Promise<Outcome> {
    if (outcome.status !== "complete") return outcome;
    await this.#events.emptied();
    return this.#abort.signal.aborted ? { status: "interrupted" } : outcome;
  }

  async #readModel(): Promise<Outcome> {
    const { conversation, graph } = this.options;
    const turn = {
      open: this.#open,
      calls: this.#calls,
      sequence: () =>
        toModelMessages(toModelSequence([...conversation.state.messages, ...this.#goOn()]), this.options.modelName),
    };
    let last: BaseMessage | undefined;
    for await (const event of graph.stream(turn, this.#abort.signal)) {
      if (this.#abort.signal.aborted) return { status: "interrupted" };
      if (event.type === "token") {
        this.#meter?.token(event.text);
        await this.#token(this.#text.push(event.text));
      } else if (event.type === "reasoning") await this.#thought(this.#reasoning.push(event.text));
      else {
        await this.#thought(this.#reasoning.end());
        await this.#token(this.#text.end());
        last = event.message;
        if (event.continues) await this.#endAnswer({ status: "complete" }, event);
      }
    }
    if (this.#abort.signal.aborted) return { status: "interrupted" };
    return outcomeOf(last, conversation.state.streamingProperties.partialResponse, graph.saysReason);
  }

  async #token(text: string): Promise<void> {
    if (text === "") return;
    this.options.conversation.appendToken(text);
    await this.#events.push({ type: "token", text, ...this.#now() });
  }

  async #thought(text: string): Promise<void> {
    if (text === "") return;
    this.options.conversation.appendReasoning(text);
    await this.#events.push({ type: "reasoning", text, ...this.#now() });
  }

  get #saysSecret(): boolean {
    return this.#text.found + this.#reasoning.found > 0;
  }

  /** What of the server's own words is neither text nor reasoning. */
  #withoutSecrets({ error, finishReason, ...outcome }: Outcome): Outcome {
    const { secrets } = this.options;
    return {
      ...outcome,
      ...(outcome.toolCalls === undefined ? {} : { toolCalls: jsonWithoutSecrets(outcome.toolCalls, secrets) }),
      ...(finishReason === undefined ? {} : { finishReason: withoutSecrets(finishReason, secrets) }),
      ...(error === undefined ? {} : { error: errorWithoutSecrets(error, secrets) }),
    };
  }

  /** An answer that is continued has no prompt of its own, and a sequence must not end with the model's turn; said to the model only. */
  #goOn(): Message[] {
    const role = toModelSequence(this.options.conversation.state.messages).at(-1)?.role;
    return role === "assistant"
      ? [{ id: this.options.newId(), role: "user", content: GO_ON, createdAt: this.#at() }]
      : [];
  }

  async #failure(error: unknown): Promise<Outcome> {
    // What was held back is a part of what came.
    if (!(error instanceof AnswerTooLong)) await this.#token(this.#text.end()).catch(() => undefined);
    if (this.#abort.signal.aborted) return { status: "interrupted" };
    if (error instanceof TurnStopped)
      return { status: "interrupted", ...(error.reason ? { error: error.reason } : {}) };
    const streamed = this.options.conversation.state.streamingProperties.partialResponse !== "";
    return {
      status: streamed && !(error instanceof UnreadableAnswer) ? "interrupted" : "error",
      error:
        error instanceof AnswerTooLong
          ? new ModelFailure(error.message, { cause: error })
          : modelError(error, this.options.secrets),
    };
  }

  /** With what the model asks for: the turn continues after it. */
  async #endAnswer(
    outcome: Outcome,
    asking?: { readonly message: BaseMessage; readonly calls: readonly ToolCall[] },
  ): Promise<void> {
    const { conversation, modelName, newId } = this.options;
    const usage = asking === undefined ? outcome.usage : usageOf(asking.message);
    const giveBack = asking === undefined ? undefined : giveBackOf(asking.message);
    const end: AnswerEnd = {
      id: newId(),
      status: outcome.status,
      at: this.#at(),
      ...(modelName === undefined ? {} : { model: modelName }),
      ...(usage === undefined ? {} : { usage }),
      ...(giveBack === undefined ? {} : { giveBack }),
      ...(outcome.finishReason === undefined ? {} : { finishReason: outcome.finishReason }),
      ...(outcome.error === undefined ? {} : { error: { code: outcome.error.code, message: outcome.error.message } }),
      ...(outcome.toolCalls === undefined ? {} : { toolCalls: outcome.toolCalls }),
      ...(asking === undefined ? {} : { toolCalls: asking.calls, turnContinues: true, nextId: newId() }),
    };
    const { messageId = end.id } = conversation.state.streamingProperties;
    if (asking !== undefined) await conversation.setUnbegunCalls(messageId);
    conversation.update((draft) => {
      endAnswer(draft, end);
    });
  }

  /** At once, as all but the first of a batch may. */
  #mayBeShown({ revision }: TurnEvent): boolean {
    const { showDurableOnly, conversation } = this.options;
    if (!showDurableOnly) return true;
    if (revision > conversation.durableRevision) return false;
    this.#stalled = false;
    return true;
  }

  /** False when it takes too long or cannot be. While stalled, tokens no longer wait; once the disk has caught up they do again. */
  async #becomesDurable(revision: number): Promise<boolean> {
    const { conversation, elapsed } = this.options;
    if (this.#saveError !== undefined) return false;
    const asked = elapsed();
    const durable = conversation.whenDurable(revision).then(
      () => {
        // No token waits less than the sync that carries it: this disk keeps up again, however far ahead the stream is.
        if (elapsed() - asked < STALL) this.#stalled = false;
        return true;
      },
      (error: unknown) => {
        this.#saveError =
          error instanceof Error ? error : new DraftstateError("STORAGE", messageOf(error), { cause: error });
        return false;
      },
    );
    if (this.#stalled) return false;
    let timer: NodeJS.Timeout | undefined;
    const stall = new Promise<boolean>((resolve) => {
      let steps = 0;
      timer = setInterval(() => {
        steps += 1;
        if (steps === STALL_STEPS) resolve(false);
      }, STALL / STALL_STEPS);
    });
    this.#events.capacity = AHEAD_OF_DISK;
    const result = await Promise.race([durable, stall]);
    this.#events.capacity = AHEAD_OF_WATCHER;
    clearInterval(timer);
    return result;
  }
}
