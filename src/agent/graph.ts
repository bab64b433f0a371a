/**
 * The LangGraph of a turn: a model node and, where tools are given, a loop through them. The stream is LangGraph's own;
 * the model node writes its tokens into it as they come, since LangGraph itself keeps state only when a node ends.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
// Its whole, without the AsyncLocalStorage that the main entry turns on for every promise of the process: a node is handed its config.
import {
  Annotation,
  END,
  GraphRecursionError,
  messagesStateReducer,
  START,
  StateGraph,
} from "@langchain/langgraph/web";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { DraftstateError } from "../errors.js";
import { PROVIDER_NAMES } from "../model/providers.js";
import { distinguishCalls } from "./call-ids.js";
import { JoinedAnswer } from "./joined-answer.js";
import { textOfContent } from "./messages.js";
import { reasoningOfChunk } from "./reasoning.js";
import { refuseMendedCalls } from "./mended-calls.js";
import { keepOneUnknown, splitCalls, type Refusals } from "./unknown-calls.js";
import { unreadable } from "./unreadable.js";

export type GraphEvent =
  | { readonly type: "token"; readonly text: string }
  /** What the model thinks beside its answer. */
  | { readonly type: "reasoning"; readonly text: string }
  /** A node ended with these messages: the model's whole answer, or the tools' results. */
  | { readonly type: "node"; readonly node: "model" | "tools"; readonly messages: readonly BaseMessage[] };

export interface GraphOptions {
  readonly model: BaseChatModel;
  readonly tools: readonly StructuredToolInterface[];
}

export const NO_ANSWER = "the model gave no answer at all: check --model and --base-url";

/** Steps a turn may take: one for each answer and each round of tools. */
const MAX_STEPS = 50;

const ENDLESS = `the model asked for tools ${MAX_STEPS / 2} times in one turn, and was stopped: what it said and got is kept`;

/** Into LangGraph's stream: the answer's text, or what the model thinks. */
type Written = string | { readonly reasoning: string };

type CallModel = (
  messages: BaseMessage[],
  config: RunnableConfig,
  write: (written: Written) => void,
) => Promise<BaseMessage>;

/** Whatever the chunk's class: what a model streams is its answer. Lists may hold other things than text beside it. */
function textOfChunk(content: unknown): string {
  if (typeof content !== "string" && !Array.isArray(content)) throw unreadable(content);
  return textOfContent(content);
}

/** Streams and joins by hand: `invoke` would drop the finish reason that comes with the last chunk. */
function callableModel({ model, tools }: GraphOptions, refusals: Refusals): CallModel {
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
    }
    const whole = answer.whole();
    if (whole === undefined) throw new DraftstateError("MODEL", NO_ANSWER);
    // LangGraph takes two messages of one id for one, and there are servers that give all their answers the same.
    delete whole.id;
    return keepOneUnknown(distinguishCalls(refuseMendedCalls(whole), messages), byName, refusals);
  };
}

/** LangGraph's MessagesAnnotation, without zod, which comes with it. */
const Messages = Annotation.Root({
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
});

function named(tools: GraphOptions["tools"]): ReadonlyMap<string, StructuredToolInterface> {
  return new Map(tools.map((tool) => [tool.name, tool]));
}

async function callTools(
  { tools }: GraphOptions,
  refusals: Refusals,
  messages: readonly BaseMessage[],
  config: RunnableConfig,
): Promise<{ messages: BaseMessage[] }> {
  const last = messages.at(-1);
  if (!AIMessage.isInstance(last)) return { messages: [] };
  const { known, refused } = splitCalls(last, named(tools), refusals);
  if (known === undefined) return { messages: [...refused] };
  const answered = (await new ToolNode([...tools]).invoke({ messages: [...messages.slice(0, -1), known] }, config)) as {
    messages: BaseMessage[];
  };
  return { messages: [...answered.messages, ...refused] };
}

function build(options: GraphOptions) {
  const refusals: Refusals = new Map();
  const call = callableModel(options, refusals);
  return new StateGraph(Messages)
    .addNode("model", async (state, config) => ({
      messages: [
        await call(state.messages, config, (written) => {
          config.writer(written);
        }),
      ],
    }))
    .addNode("tools", (state, config) => callTools(options, refusals, state.messages, config))
    .addEdge(START, "model")
    .addConditionalEdges("model", ({ messages }) => (asksForTools(messages.at(-1)) ? "tools" : END), ["tools", END])
    .addEdge("tools", "model")
    .compile();
}

function asksForTools(message: BaseMessage | undefined): boolean {
  return AIMessage.isInstance(message) && (message.tool_calls?.length ?? 0) > 0;
}

/** Providers whose every answer ends with its reason: a stream that ends without one has broken off. */
const SAY_REASON: readonly string[] = ["openai", "azure_openai", ...PROVIDER_NAMES];

export class TurnGraph {
  readonly #graph: ReturnType<typeof build>;
  /** Whether an answer without a finish reason is not whole. */
  readonly saysReason: boolean;

  constructor(options: GraphOptions) {
    this.saysReason = SAY_REASON.includes(options.model._llmType());
    this.#graph = build(options);
  }

  /** Rejects with the model's own error, or when the signal aborts; what was streamed until then has been given. */
  async *stream(messages: readonly BaseMessage[], signal: AbortSignal): AsyncGenerator<GraphEvent> {
    const stream = await this.#graph.stream(
      { messages: [...messages] },
      { streamMode: ["custom", "updates"], signal, recursionLimit: MAX_STEPS },
    );
    try {
      for await (const [mode, data] of stream) {
        if (mode === "custom") yield writtenEvent(data as Written);
        else yield* nodeEvents(data);
      }
    } catch (error) {
      throw error instanceof GraphRecursionError ? new DraftstateError("MODEL", ENDLESS, { cause: error }) : error;
    }
  }
}

function writtenEvent(written: Written): GraphEvent {
  return typeof written === "string"
    ? { type: "token", text: written }
    : { type: "reasoning", text: written.reasoning };
}

function* nodeEvents(update: object): Generator<GraphEvent> {
  for (const node of ["model", "tools"] as const) {
    const written: unknown = Reflect.get(update, node);
    if (typeof written !== "object" || written === null || !("messages" in written)) continue;
    const messages = Array.isArray(written.messages)
      ? (written.messages as BaseMessage[])
      : [written.messages as BaseMessage];
    yield { type: "node", node, messages };
  }
}
