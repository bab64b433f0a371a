/**
 * Answers that were cut off: looked at, kept as an interrupted message of the node that streamed them, or dropped. One is kept
 * only where its node would still run: later it would stand behind turns that came without it.
 */
import { AIMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { DraftstateError } from "../errors.js";
import type { Json } from "../model/json.js";
import type { Partial as StoredPartial } from "../checkpoints/streams.js";
import { encodeDrop } from "../checkpoints/token-record.js";
import type { Thread } from "../threads/thread.js";

/** What has arrived of an answer that no node has written. */
export interface Partial {
  readonly threadId: string;
  /** Names it in its thread. */
  readonly number: number;
  /** Of the graph that the node belongs to; empty for the outermost. */
  readonly namespace: string;
  /** Empty for a model call outside a graph. */
  readonly node: string;
  readonly runId: string;
  readonly messageId: string;
  readonly text: string;
  readonly toolCallChunks: readonly Json[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly updatedAt: string;
}

interface Snapshot {
  readonly values: unknown;
  readonly tasks: readonly { readonly id: string }[];
}

/** What is needed of a compiled graph. */
export interface KeepingGraph {
  getState(config: RunnableConfig): Promise<Snapshot>;
  updateState(config: RunnableConfig, values: Record<string, unknown>, asNode?: string): Promise<RunnableConfig>;
}

export interface KeepOptions {
  /** The update that adds the message to the state; `{ messages: [message] }` where it is left out. */
  readonly toUpdate?: (message: AIMessage) => Record<string, unknown>;
}

/** The oldest first; those of one namespace where it is given. */
export async function partialsOf(thread: Thread, ns: string | undefined): Promise<Partial[]> {
  const partials = await thread.read((view) => Promise.resolve(view.index.streams.partials));
  return partials
    .filter((partial) => ns === undefined || partial.ns === ns)
    .map((partial) => published(thread.threadId, partial));
}

function published(threadId: string, partial: StoredPartial): Partial {
  const { number, ns, node, run, message, text, calls, startedAt, updatedAt } = partial;
  return {
    threadId,
    number,
    namespace: ns,
    node,
    runId: run,
    messageId: message,
    text,
    toolCallChunks: calls,
    startedAt: new Date(startedAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

/** Durable when it resolves. Of one that is gone it does nothing. */
export function dropPartial(thread: Thread, { number }: Pick<Partial, "number">): Promise<void> {
  const record = { kind: "drop", streams: [number] } as const;
  return thread.append((view) =>
    Promise.resolve(view.index.streams.has(number) ? [{ record, bytes: encodeDrop(record) }] : []),
  );
}

/** Throws `USAGE` for one without text, `NOT_FOUND` for one that is gone, `INVALID_STATE` where the thread has moved on. */
export async function keepPartial(
  thread: Thread,
  graph: KeepingGraph,
  config: RunnableConfig,
  { number }: Pick<Partial, "number">,
  { toUpdate = (message) => ({ messages: [message] }) }: KeepOptions,
): Promise<RunnableConfig> {
  const partial = await thread.read((view) =>
    Promise.resolve(view.index.streams.partials.find((each) => each.number === number)),
  );
  if (partial === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `thread ${thread.threadId} has no such partial answer: its node has written it, or it was dropped`,
    );
  if (partial.text === "" || partial.node === "")
    throw new DraftstateError(
      "USAGE",
      `the partial answer has ${partial.node === "" ? "no node to be kept as" : "no text to keep"}: use dropPartial`,
    );
  const { checkpoint_id: _, ...configurable } = { ...config.configurable };
  const where = { ...config, configurable: { ...configurable, thread_id: thread.threadId, checkpoint_ns: partial.ns } };
  const { tasks } = await graph.getState(where);
  if (!tasks.some(({ id }) => partial.tasks.includes(id)))
    throw new DraftstateError(
      "INVALID_STATE",
      `thread ${thread.threadId} has moved on since the answer was cut off, nothing was kept: use dropPartial, or fork from the checkpoint before it`,
    );
  const kept = await graph.updateState(where, toUpdate(messageOf(partial)), partial.node);
  await dropPartial(thread, { number });
  return kept;
}

/** Without tool calls: one that was cut off, or has no result, is nothing that a model accepts. */
function messageOf({ message, text }: StoredPartial): AIMessage {
  return new AIMessage({ id: message, content: text, response_metadata: { draftstate: { status: "interrupted" } } });
}
