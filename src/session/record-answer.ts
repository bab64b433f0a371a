/**
 * Someone's own model loop, recorded as the agent records its own: the turn begins, each token is durable before it is given
 * on, tools answer, the answer ends. It is `complete` only with a finish reason; leaving early or a broken source keeps what
 * came as `interrupted`.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { AgentState, Message, ToolCall, Usage } from "../model/conversation.js";
import { isFailure } from "../model/finish-reasons.js";
import { addMessage, beginTurn, endAnswer, type AgentDraft, type AnswerEnd } from "../model/transitions.js";
import { AnswerTooLong } from "./answer-limit.js";
import { Channel } from "./channel.js";

/** What a model's stream is given as: a text is a token. */
export type AnswerPart =
  | string
  /** The model asks for tools: its message ends here, and it continues once they have answered. */
  | { readonly toolCalls: readonly ToolCall[]; readonly finishReason?: string; readonly usage?: Usage }
  | { readonly toolResult: ToolResult }
  /** Why the model stopped, in its own word. */
  | { readonly finishReason: string; readonly usage?: Usage };

export interface ToolResult {
  readonly toolCallId: string;
  readonly content: string;
  readonly name?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface RecordOptions {
  /** What the answer answers: text of the user, or a message; left out where it is in the conversation already. */
  readonly message?: string | Message;
  /** `provider:name`, kept with the answer. */
  readonly model?: string;
  /** Stops the answer, which is then interrupted. */
  readonly signal?: AbortSignal;
  readonly newId?: () => string;
}

/** Each is durable when it is given. */
export type RecordedEvent = { readonly messageId: string; readonly revision: number; readonly state: AgentState } & (
  | { readonly type: "start" }
  | { readonly type: "token"; readonly text: string }
  | { readonly type: "tools" }
  | { readonly type: "end"; readonly status: AnswerEnd["status"]; readonly error: DraftstateError | undefined }
);

/** What recording needs of the open conversation. */
export interface Recorded {
  readonly id: string;
  readonly state: AgentState;
  readonly revision: number;
  readonly closing: AbortSignal;
  beginAnswer(): () => void;
  update(recipe: (draft: AgentDraft) => void): void;
  appendToken(text: string): void;
  flush(): Promise<void>;
  whenDurable(revision: number): Promise<void>;
  endTurn(): Promise<void>;
}

export interface RecordingWorld {
  readonly now: () => Date;
  /** Whether each token is saved as it comes; otherwise none waits for the disk. */
  readonly savesTokens: boolean;
}

type Outcome = Pick<AnswerEnd, "status" | "finishReason" | "usage"> & { readonly error?: DraftstateError };

/** Parts that wait for the disk share the next sync: as much as a fast model gives within a slow one. */
const AHEAD_OF_DISK = 256;

export function recordAnswer(
  conversation: Recorded,
  source: AsyncIterable<AnswerPart>,
  world: RecordingWorld,
  options: RecordOptions = {},
): AsyncGenerator<RecordedEvent, void> {
  return new Recording(conversation, source, world, options).run();
}

class Recording {
  readonly #events = new Channel<RecordedEvent>(AHEAD_OF_DISK);
  readonly #stop = new AbortController();
  readonly #newId: () => string;

  constructor(
    private readonly conversation: Recorded,
    private readonly source: AsyncIterable<AnswerPart>,
    private readonly world: RecordingWorld,
    private readonly options: RecordOptions,
  ) {
    this.#newId = options.newId ?? (() => globalThis.crypto.randomUUID());
  }

  async *run(): AsyncGenerator<RecordedEvent, void> {
    const { conversation, options } = this;
    const release = conversation.beginAnswer();
    const stop = (): void => {
      this.#stop.abort();
    };
    const signals = [conversation.closing, ...(options.signal === undefined ? [] : [options.signal])];
    for (const each of signals) {
      if (each.aborted) stop();
      each.addEventListener("abort", stop, { once: true });
    }
    let pumping: Promise<void> | undefined;
    try {
      this.#begin();
      // What was said is durable before the model's first token is.
      await conversation.flush();
      yield { type: "start", ...this.#now() };
      pumping = this.#pump();
      for (let event = await this.#events.next(); event !== undefined; event = await this.#events.next()) {
        if (event.type === "end") await conversation.flush();
        else if (this.#stop.signal.aborted) continue;
        else if (this.world.savesTokens) await conversation.whenDurable(event.revision);
        yield event;
      }
    } finally {
      for (const each of signals) each.removeEventListener("abort", stop);
      stop();
      this.#events.end();
      await pumping;
      if (pumping === undefined) this.#end({ status: "interrupted" });
      release();
      await conversation.endTurn();
    }
  }

  #now(): Pick<RecordedEvent, "messageId" | "revision" | "state"> {
    const { state, revision } = this.conversation;
    return { messageId: state.streamingProperties.messageId ?? "", revision, state };
  }

  #at(): string {
    return this.world.now().toISOString();
  }

  #begin(): void {
    const at = this.#at();
    const { message } = this.options;
    const said: Message | undefined =
      typeof message === "string" ? { id: this.#newId(), role: "user", content: message, createdAt: at } : message;
    const answerId = this.#newId();
    this.conversation.update((draft) => {
      beginTurn(draft, { at, answerId, ...(said === undefined ? {} : { message: said }) });
    });
  }

  /** Never rejects: how it ended is the last event. */
  async #pump(): Promise<void> {
    const outcome = await this.#read().catch((error: unknown) => this.#failure(error));
    // A reader that leaves before it was told all of it was told no whole answer.
    if (outcome.status === "complete") await this.#events.emptied();
    const isLeft = this.#stop.signal.aborted && outcome.status === "complete";
    const ended: Outcome = isLeft ? { status: "interrupted" } : outcome;
    try {
      this.#end(ended);
      await this.#events.push({ type: "end", status: ended.status, error: ended.error, ...this.#now() });
    } catch (error) {
      // The conversation was closed under the answer: the next one who opens it finds it interrupted.
      await this.#events.push({ type: "end", status: "interrupted", error: asError(error), ...this.#now() });
    }
    this.#events.end();
  }

  async #read(): Promise<Outcome> {
    const parts = this.source[Symbol.asyncIterator]();
    let end: Extract<AnswerPart, { finishReason: string }> | undefined;
    for (;;) {
      const next = await this.#unlessStopped(parts.next());
      if (next === "stopped") {
        leave(parts);
        return { status: "interrupted" };
      }
      if (next.done === true) return outcomeOf(end);
      if (isEnd(next.value)) end = next.value;
      else
        await this.#take(next.value).catch((error: unknown) => {
          leave(parts);
          throw error;
        });
    }
  }

  async #unlessStopped<T>(promise: Promise<T>): Promise<T | "stopped"> {
    const { signal } = this.#stop;
    let onStop: (() => void) | undefined;
    const stopped = new Promise<"stopped">((resolve) => {
      onStop = () => {
        resolve("stopped");
      };
      if (signal.aborted) onStop();
      signal.addEventListener("abort", onStop, { once: true });
    });
    promise.catch(() => undefined);
    const first = await Promise.race([promise, stopped]);
    if (onStop !== undefined) signal.removeEventListener("abort", onStop);
    return signal.aborted ? "stopped" : first;
  }

  async #take(part: Exclude<AnswerPart, { finishReason: string }>): Promise<void> {
    const { conversation } = this;
    if (typeof part === "string") {
      conversation.appendToken(part);
      await this.#events.push({ type: "token", text: part, ...this.#now() });
      return;
    }
    if ("toolCalls" in part) this.#end({ status: "complete", ...ended(part) }, part.toolCalls);
    else this.#answerTool(part.toolResult);
    await this.#events.push({ type: "tools", ...this.#now() });
  }

  #answerTool(result: ToolResult): void {
    const message: Message = { id: this.#newId(), role: "tool", createdAt: this.#at(), ...result };
    this.conversation.update((draft) => {
      addMessage(draft, message);
    });
  }

  #failure(error: unknown): Outcome {
    const streamed = this.conversation.state.streamingProperties.partialResponse !== "";
    return { status: streamed ? "interrupted" : "error", error: asError(error) };
  }

  #end({ error, ...outcome }: Outcome, toolCalls?: readonly ToolCall[]): void {
    const { model } = this.options;
    const end: AnswerEnd = {
      id: this.#newId(),
      at: this.#at(),
      ...outcome,
      ...(model === undefined ? {} : { model }),
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
      ...(toolCalls === undefined ? {} : { toolCalls, turnContinues: true, nextId: this.#newId() }),
    };
    this.conversation.update((draft) => {
      endAnswer(draft, end);
    });
  }
}

/** It may be in the middle of something that never ends. */
function leave(source: AsyncIterator<unknown>): void {
  void Promise.resolve(source.return?.()).catch(() => undefined);
}

function isEnd(part: AnswerPart): part is Extract<AnswerPart, { finishReason: string }> {
  return typeof part === "object" && "finishReason" in part && !("toolCalls" in part);
}

function ended(part: {
  readonly finishReason?: string;
  readonly usage?: Usage;
}): Pick<Outcome, "finishReason" | "usage"> {
  return {
    ...(part.finishReason === undefined ? {} : { finishReason: part.finishReason }),
    ...(part.usage === undefined ? {} : { usage: part.usage }),
  };
}

function outcomeOf(end: { readonly finishReason: string; readonly usage?: Usage } | undefined): Outcome {
  if (end === undefined)
    return { status: "interrupted", error: failure("the answer broke off: it ended without a finish reason") };
  if (!isFailure(end.finishReason)) return { status: "complete", ...ended(end) };
  const error = failure(`the model ended the answer with the finish reason ${end.finishReason}`);
  return { status: "error", error, ...ended(end) };
}

function failure(message: string, cause?: unknown): DraftstateError {
  return new DraftstateError("MODEL", message, cause === undefined ? {} : { cause });
}

function asError(error: unknown): DraftstateError {
  if (error instanceof AnswerTooLong) return failure(error.message, error);
  return error instanceof DraftstateError ? error : failure(`the answer broke off: ${messageOf(error)}`, error);
}
