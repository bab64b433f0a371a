/**
 * The LangGraph of a turn: model, approval, tools, and again. It stops at each approval by LangGraph's `interrupt` and is resumed with
 * what was decided. The stream is LangGraph's own; the model node writes its tokens into it as they come, since LangGraph itself
 * keeps state only when a node ends.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import type { StructuredToolInterface } from "@langchain/core/tools";
// Its whole, without the AsyncLocalStorage that the main entry turns on for every promise of the process: a node is handed its config.
import {
  Annotation,
  Command,
  END,
  INTERRUPT,
  interrupt,
  isInterrupted,
  messagesStateReducer,
  START,
  StateGraph,
} from "@langchain/langgraph/web";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { DraftstateError } from "../errors.js";
import type { ToolCall } from "../model/conversation.js";
import { PROVIDER_NAMES } from "../model/providers.js";
import type { OpenCall } from "../model/tool-calls.js";
import { distinguishCalls } from "./call-ids.js";
import { JoinedAnswer } from "./joined-answer.js";
import { textOfContent, toolCallsOf } from "./messages.js";
import { refuseMendedCalls } from "./mended-calls.js";
import { jsonWithoutSecrets } from "./secret-filter.js";
import { reasoningOfChunk } from "./reasoning.js";
import type { Decided, TurnCalls } from "./turn-calls.js";
import { TurnSaver } from "./turn-saver.js";
import { keepOneUnknown } from "./unknown-calls.js";
import { unreadable } from "./unreadable.js";

export type GraphEvent =
  | { readonly type: "token"; readonly text: string }
  /** What the model thinks beside its answer. */
  | { readonly type: "reasoning"; readonly text: string }
  /** The model's whole answer, and what it asks for. The turn continues if there are calls that can be answered. */
  | {
      readonly type: "answer";
      readonly message: AIMessage;
      readonly calls: readonly ToolCall[];
      readonly continues: boolean;
    };

/** What the graph needs of the turn that it runs. */
export interface GraphTurn {
  /** Calls that an earlier process left open: they come first. */
  readonly open: readonly OpenCall[];
  /** What the model is asked, before what it says in this turn. */
  readonly sequence: () => BaseMessage[];
  readonly calls: Pick<TurnCalls, "decide" | "carryOut">;
}

export interface GraphOptions {
  readonly model: BaseChatModel;
  readonly tools: readonly StructuredToolInterface[];
  /** Texts that no call of a tool may hold. */
  readonly secrets?: readonly string[];
}

export const NO_ANSWER = "the model gave no answer at all: check the model's name and address";

/** Rounds of tools in one turn. */
const MAX_ROUNDS = 25;

const ENDLESS = `the model asked for tools ${MAX_ROUNDS} times in one turn, and was stopped: what it said and got is kept`;

/** Into LangGraph's stream: the answer's text, or what the model thinks. */
type Written = string | { readonly reasoning: string };

type CallModel = (
  messages: BaseMessage[],
  config: RunnableConfig,
  write: (written: Written) => void,
) => Promise<Answered>;

/** Whatever the chunk's class: what a model streams is its answer. Lists may hold other things than text beside it. */
function textOfChunk(content: unknown): string {
  if (typeof content !== "string" && !Array.isArray(content)) throw unreadable(content);
  return textOfContent(content);
}

interface Answered {
  readonly message: AIMessageChunk;
  readonly calls: readonly ToolCall[];
}

/** Streams and joins by hand: `invoke` would drop the finish reason that comes with the last chunk. */
function callableModel({ model, tools, secrets = [] }: GraphOptions): CallModel {
  if (tools.length > 0 && model.bindTools === undefined) {
    throw new DraftstateError("INVALID_CONFIG", "this model cannot use tools: give a model that can, or no tools", {
      path: "tools",
    });
  }
  const bound = tools.length === 0 ? model : (model.bindTools?.([...tools]) ?? model);
  const byName = named(tools);
  return async (messages, config, write) => {
    const answer = new JoinedAnswer();
    for await (const chunk of await bound.stream(messages, config)) {
      const reasoning = reasoningOfChunk(chunk);
      if (reasoning !== "") write({ reasoning });
      const text = textOfChunk(chunk.content);
      if (text !== "") write(text);
      answer.add(chunk);
      if (answer.isFull) break;
    }
    const whole = answer.whole();
    if (whole === undefined) throw new DraftstateError("MODEL", NO_ANSWER);
    // LangGraph takes two messages of one id for one, and there are servers that give all their answers the same.
    delete whole.id;
    const { message, calls } = withKnownCalls(distinguishCalls(refuseMendedCalls(whole), messages), byName);
    // A key is for the model's server, not for a tool that it names.
    return { message, calls: jsonWithoutSecrets(calls, secrets) };
  };
}

/** Its calls as they are kept; what is not kept is not given back to the model either. */
function withKnownCalls(message: AIMessageChunk, tools: ReadonlyMap<string, unknown>): Answered {
  const calls = keepOneUnknown(toolCallsOf(message), tools);
  const kept = new Set(calls.map(({ id }) => id));
  message.tool_calls = (message.tool_calls ?? []).filter(({ id }) => kept.has(id ?? ""));
  return { message, calls };
}

function named(tools: GraphOptions["tools"]): ReadonlyMap<string, StructuredToolInterface> {
  return new Map(tools.map((tool) => [tool.name, tool]));
}

/** What a turn's thread holds: the turn's own answers and results, and the calls that are to be decided on. */
const TurnState = Annotation.Root({
  /** LangGraph's MessagesAnnotation, without zod, which comes with it. */
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
  calls: Annotation<readonly OpenCall[]>({ reducer: (_before, after) => after, default: () => [] }),
  decided: Annotation<readonly Decided[]>({ reducer: (_before, after) => after, default: () => [] }),
});

type Values = typeof TurnState.State;

/** The main entry of LangGraph does this when it is loaded, for every promise of the process. */
async function callsForDecision(calls: readonly OpenCall[], config: RunnableConfig): Promise<readonly Decided[]> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  AsyncLocalStorageProviderSingleton.initializeGlobalInstance(new AsyncLocalStorage());
  return AsyncLocalStorageProviderSingleton.runWithConfig(config, () =>
    interrupt<readonly OpenCall[], readonly Decided[]>(calls),
  );
}

async function callTool(tools: GraphOptions["tools"], { id, name, args }: ToolCall, config: RunnableConfig) {
  const asked = new AIMessage({ content: "", tool_calls: [{ id, name, args, type: "tool_call" }] });
  const answered = (await new ToolNode([...tools]).invoke({ messages: [asked] }, config)) as {
    messages: BaseMessage[];
  };
  const [result] = answered.messages;
  if (result === undefined) throw new TypeError(`${name} gave no result`);
  return result;
}

function build({ tools }: GraphOptions, call: CallModel, turn: GraphTurn) {
  let asked: BaseMessage[] | undefined;
  return new StateGraph(TurnState)
    .addNode("model", async ({ messages }, config) => {
      asked ??= turn.sequence();
      const { message, calls } = await call([...asked, ...messages], config, (written) => {
        config.writer(written);
      });
      return { messages: [message], calls };
    })
    .addNode("approval", async ({ calls }, config) => ({ decided: await callsForDecision(calls, config) }))
    .addNode("tools", async ({ messages, decided }, config) => {
      const results = await turn.calls.carryOut(decided, (each) => callTool(tools, each, config));
      // Results of calls that were open are in the conversation, and so in what the model is sent.
      return { messages: messages.length === 0 ? [] : [...results], calls: [], decided: [] };
    })
    .addConditionalEdges(START, ({ calls }) => (calls.length > 0 ? "approval" : "model"), ["approval", "model"])
    .addConditionalEdges("model", (values) => (continues(values) ? "approval" : END), ["approval", END])
    .addEdge("approval", "tools")
    .addEdge("tools", "model")
    .compile({ checkpointer: new TurnSaver() });
}

/** Where none of the calls could be read the answer is no answer. */
function continues({ messages }: Values): boolean {
  const message = messages.at(-1);
  return AIMessage.isInstance(message) && (message.tool_calls?.length ?? 0) > 0;
}

/** Providers whose every answer ends with its reason: a stream that ends without one has broken off. */
const SAY_REASON: readonly string[] = ["openai", "azure_openai", ...PROVIDER_NAMES];

export class TurnGraph {
  /** Whether an answer without a finish reason is not whole. */
  readonly saysReason: boolean;
  readonly #callModel: CallModel;

  constructor(private readonly options: GraphOptions) {
    this.saysReason = SAY_REASON.includes(options.model._llmType());
    this.#callModel = callableModel(options);
  }

  /** Rejects with the model's own error, or when the signal aborts; what was streamed until then has been given. */
  async *stream(turn: GraphTurn, signal: AbortSignal): AsyncGenerator<GraphEvent> {
    const graph = build(this.options, this.#callModel, turn);
    let begin: Beginning = { calls: keepOneUnknown(turn.open, named(this.options.tools)) };
    for (let rounds = 0; ; rounds += 1) {
      const calls: readonly OpenCall[] | undefined = yield* runToApproval(graph, begin, signal);
      if (calls === undefined) return;
      if (rounds === MAX_ROUNDS) throw new DraftstateError("MODEL", ENDLESS);
      begin = { decided: await turn.calls.decide(calls) };
    }
  }
}

/** Where a run of the graph begins: at a turn's beginning, or at the approval that the last one stopped at. */
type Beginning = { readonly calls: readonly OpenCall[] } | { readonly decided: readonly Decided[] };

/** Gives the calls that are to be decided on; undefined at the end. */
async function* runToApproval(
  graph: ReturnType<typeof build>,
  begin: Beginning,
  signal: AbortSignal,
): AsyncGenerator<GraphEvent, readonly OpenCall[] | undefined> {
  const input = "calls" in begin ? begin : new Command<unknown, never, never>({ resume: begin.decided });
  const run = ofOneRun(signal);
  try {
    const stream = await graph.stream(input, {
      configurable: { thread_id: "turn" },
      streamMode: ["custom", "updates"],
      durability: "sync",
      signal: run.signal,
    });
    let calls: readonly OpenCall[] | undefined;
    for await (const [mode, data] of stream) {
      if (mode === "custom") yield writtenEvent(data as Written);
      else if (isInterrupted<readonly OpenCall[]>(data)) calls = data[INTERRUPT][0]?.value;
      else yield* answerEvents(data);
    }
    return calls;
  } finally {
    run.end();
  }
}

/** LangGraph leaves listeners on the signal of each run: they go with a signal of the run's own. */
function ofOneRun(signal: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
  const run = new AbortController();
  const abort = (): void => {
    run.abort(signal.reason);
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return {
    signal: run.signal,
    end() {
      signal.removeEventListener("abort", abort);
    },
  };
}

function writtenEvent(written: Written): GraphEvent {
  return typeof written === "string"
    ? { type: "token", text: written }
    : { type: "reasoning", text: written.reasoning };
}

function* answerEvents(update: object): Generator<GraphEvent> {
  const values = Reflect.get(update, "model") as Values | undefined;
  const message = values?.messages.at(-1);
  if (values === undefined || !AIMessage.isInstance(message)) return;
  yield { type: "answer", message, calls: values.calls, continues: continues(values) };
}
