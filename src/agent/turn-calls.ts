/**
 * The tool calls of one turn, as its conversation keeps them. A call is durable as asked for before anyone decides, as begun before
 * its tool runs, and its result before the model sees it. So none is made twice without a decision, and none is lost.
 */
import type { BaseMessage } from "@langchain/core/messages";
import { ToolMessage } from "@langchain/core/messages";
import { DraftstateError, messageOf } from "../errors.js";
import type { Message, ToolCall } from "../model/conversation.js";
import { beginCalls, LOST, REFUSED, STOPPED, type OpenCall } from "../model/tool-calls.js";
import { addMessage } from "../model/transitions.js";
import type { Conversation } from "../session/conversation.js";
import type { Approve, CallDecision, CallRequest } from "./approval.js";
import { fromToolMessage } from "./messages.js";

/** The turn ends here, with its calls as they are: because the user wants it, or because no one could decide. */
export class TurnStopped extends Error {
  constructor(readonly reason?: DraftstateError) {
    super(reason?.message);
  }
}

const RESULT_STOPPED = "This call was stopped before it ended: whether it took effect is not known.";

export interface TurnCallsOptions {
  readonly conversation: Conversation;
  readonly approve: Approve;
  readonly signal: AbortSignal;
  readonly newId: () => string;
  /** ISO 8601. */
  readonly at: () => string;
  /** Resolves when the watcher has seen that these are asked for. */
  readonly onAsked: (calls: readonly ToolCall[]) => Promise<void>;
  /** Durable. */
  readonly onResults: (results: readonly Message[]) => Promise<void>;
}

/** One whose tool may run, or what it gets for a result instead. */
export type Decided = {
  readonly call: OpenCall;
  readonly refusal?: { readonly code: string; readonly message: string };
};

/** A program without types may decide anything: what is no decision lets no tool run. */
function asDecision(given: unknown, name: string): CallDecision {
  if (given === "run" || given === "stop") return given;
  const refuse = typeof given === "object" && given !== null && "refuse" in given ? given.refuse : undefined;
  if (typeof refuse === "string") return { refuse };
  throw new DraftstateError(
    "USAGE",
    `approve decided nothing on a call of ${name}: expected "run", "stop" or { refuse: "why" }, not ${JSON.stringify(given)}`,
  );
}

export class TurnCalls {
  readonly #running = new Set<Promise<unknown>>();

  constructor(private readonly options: TurnCallsOptions) {}

  /** One after another; calls that cannot be carried out are not asked about. Throws `TurnStopped`. */
  async decide(calls: readonly OpenCall[]): Promise<Decided[]> {
    const { conversation, onAsked, signal } = this.options;
    await conversation.flush();
    await onAsked(calls);
    const decided: Decided[] = [];
    for (const call of calls) {
      if (signal.aborted) throw new TurnStopped();
      decided.push(call.error === undefined ? await this.#ask(call) : { call, refusal: call.error });
    }
    return decided;
  }

  async #ask(call: OpenCall): Promise<Decided> {
    const { id, name, args, startedAt, isElsewhere } = call;
    const begun = startedAt === undefined ? {} : { startedAt, ...(isElsewhere ? { isElsewhere } : {}) };
    const request = { conversationId: this.options.conversation.id, id, name, args, ...begun };
    const decision = await this.#unlessStopped(this.#decisionOn(request));
    if (decision === "run") return { call };
    return { call, refusal: { code: startedAt === undefined ? REFUSED : LOST, message: decision.refuse } };
  }

  async #decisionOn(request: CallRequest): Promise<CallDecision> {
    try {
      return asDecision(await this.options.approve(request), request.name);
    } catch (error) {
      if (error instanceof DraftstateError) throw new TurnStopped(error);
      const message = `nobody could decide on a call of ${request.name}: ${messageOf(error)}`;
      throw new TurnStopped(new DraftstateError("USAGE", message, { cause: error }));
    }
  }

  /** All that were decided on together; gives what each got for a result, in their order. */
  async carryOut(
    decided: readonly Decided[],
    run: (call: ToolCall) => Promise<BaseMessage>,
  ): Promise<readonly ToolMessage[]> {
    if (this.options.signal.aborted) throw new TurnStopped();
    const refused = new Map(decided.flatMap(({ call, refusal }) => (refusal ? [[call.id, refusal] as const] : [])));
    await this.#begin(decided, refused);
    const results = decided.map(({ call }) => {
      const refusal = refused.get(call.id);
      return refusal === undefined ? this.#track(this.#runOne(call, run)) : Promise.resolve(refusalOf(call, refusal));
    });
    return Promise.all(results);
  }

  /** Resolves when nothing of the turn's calls is under way. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** In one change: what is refused has its result, what begins is begun. */
  async #begin(
    decided: readonly Decided[],
    refused: ReadonlyMap<string, { code: string; message: string }>,
  ): Promise<void> {
    const { conversation, at, onResults } = this.options;
    const started = new Set(decided.flatMap(({ call, refusal }) => (refusal === undefined ? [call.id] : [])));
    const results = decided.flatMap(({ call }) => {
      const error = refused.get(call.id);
      return error === undefined ? [] : [this.#kept(call, refusalOf(call, error), error)];
    });
    // First of both: what is durable never says that they were not begun once they are.
    await conversation.setUnbegunCalls(null);
    const begin = { started, at: at(), results };
    conversation.update(
      (draft) => {
        beginCalls(draft, begin);
      },
      { synced: true },
    );
    await conversation.flush();
    if (results.length > 0) await onResults(results);
  }

  async #runOne(call: ToolCall, run: (call: ToolCall) => Promise<BaseMessage>): Promise<ToolMessage> {
    const { conversation, onResults } = this.options;
    const { message, code } = await this.#resultOf(call, run);
    const kept = this.#kept(call, message, message.status === "error" ? { code, message: message.text } : undefined);
    conversation.update((draft) => {
      addMessage(draft, kept);
    });
    await conversation.flush();
    await onResults([kept]);
    return message;
  }

  async #resultOf(
    call: ToolCall,
    run: (call: ToolCall) => Promise<BaseMessage>,
  ): Promise<{ readonly message: ToolMessage; readonly code: string }> {
    try {
      if (this.options.signal.aborted) throw new TurnStopped();
      const result = await this.#unlessStopped(run(call));
      if (ToolMessage.isInstance(result)) return { message: result, code: "TOOL" };
      return { message: refusalOf(call, { message: "the tool gave no result" }), code: "TOOL" };
    } catch (error) {
      if (error instanceof TurnStopped) return { message: refusalOf(call, { message: RESULT_STOPPED }), code: STOPPED };
      return { message: refusalOf(call, { message: `Error: ${messageOf(error)}` }), code: "TOOL" };
    }
  }

  #kept({ name, id }: ToolCall, message: ToolMessage, error: Message["error"]): Message {
    const { newId, at } = this.options;
    const plain = fromToolMessage(message, newId(), at());
    return {
      ...(plain ?? { id: newId(), role: "tool", content: message.text, createdAt: at() }),
      toolCallId: id,
      name,
      ...(error === undefined ? {} : { error }),
    };
  }

  #track<T>(promise: Promise<T>): Promise<T> {
    this.#running.add(promise);
    return promise;
  }

  async #unlessStopped<T>(promise: Promise<T | "stop">): Promise<T> {
    const { signal } = this.options;
    let onStop: (() => void) | undefined;
    const stopped = new Promise<"stop">((resolve) => {
      onStop = () => {
        resolve("stop");
      };
      if (signal.aborted) onStop();
      signal.addEventListener("abort", onStop, { once: true });
    });
    promise.catch(() => undefined);
    try {
      const first = await Promise.race([promise, stopped]);
      if (first === "stop") throw new TurnStopped();
      return first;
    } finally {
      if (onStop !== undefined) signal.removeEventListener("abort", onStop);
    }
  }
}

function refusalOf({ id, name }: ToolCall, { message }: { readonly message: string }): ToolMessage {
  return new ToolMessage({ content: message, tool_call_id: id, name, status: "error" });
}
