/**
 * A callback handler that puts each streamed token into its thread's log, on the write path of checkpoints: a batch of tokens,
 * one append, one sync. It needs nothing of the graph: LangGraph tells each model call its thread, namespace, node and task.
 */
import { BaseCallbackHandler, type NewTokenIndices } from "@langchain/core/callbacks/base";
import type { Serialized } from "@langchain/core/load/serializable";
import type { BaseMessage } from "@langchain/core/messages";
import { warn } from "../store/store.js";
import { messageOf } from "../errors.js";
import type { Threads } from "../threads/threads.js";
import { contentOf } from "./chunk-content.js";
import { LiveStream, type Call, type LiveStreams } from "./live-streams.js";

export interface TokenLogOptions {
  /** Of model calls outside a graph; a graph tells its own. */
  threadId?: string;
}

type Metadata = Readonly<Record<string, unknown>>;
type NewToken = Parameters<NonNullable<BaseCallbackHandler["handleLLMNewToken"]>>;

const HIDDEN: ReadonlySet<string> = new Set(["nostream", "langsmith:nostream"]);

export class TokenLog extends BaseCallbackHandler {
  readonly name = "draftstate";
  /** In the order of the tokens, and before a node continues. */
  override awaitHandlers = true;
  readonly lc_prefer_streaming = true;
  readonly #calls = new Map<string, Call>();
  readonly #streams = new Map<string, LiveStream>();
  /** By a run's id, the run that it is part of in the end. */
  readonly #roots = new Map<string, string>();
  /** By the path of a node, the step of its graph at which it runs. */
  readonly #steps = new Map<string, number>();
  readonly #waiting = new Set<Promise<void>>();
  readonly #broken = new Map<LiveStream, unknown>();

  constructor(
    private readonly threads: Threads,
    private readonly live: LiveStreams,
    private readonly options: TokenLogOptions,
  ) {
    super();
  }

  /** Resolves when every token so far is on disk; rejects where one could not be written. */
  async durable(): Promise<void> {
    await Promise.all(this.#waiting);
    for (const stream of [...this.#broken.keys()]) await this.#append(stream);
    const [failure] = this.#broken.values();
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error(messageOf(failure));
  }

  override handleChainStart(
    _chain: Serialized,
    _inputs: unknown,
    runId: string,
    parentRunId?: string,
    _tags?: string[],
    metadata: Metadata = {},
  ): void {
    this.#roots.set(runId, this.#rootOf(runId, parentRunId));
    const [path, step] = [text(metadata["langgraph_checkpoint_ns"]), metadata["langgraph_step"]];
    if (path !== undefined && typeof step === "number") this.#steps.set(path, step);
  }

  override handleChainEnd(_outputs: unknown, runId: string): void {
    this.#ended(runId);
  }

  override handleChainError(_error: unknown, runId: string): void {
    this.#ended(runId);
  }

  #ended(runId: string): void {
    this.#roots.delete(runId);
    // Paths are named by tasks: of no use once no run is left.
    if (this.#roots.size === 0) this.#steps.clear();
  }

  override handleChatModelStart(
    _model: Serialized,
    _messages: BaseMessage[][],
    runId: string,
    parentRunId?: string,
    _extra?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    this.#begin(runId, parentRunId, tags, metadata);
  }

  override handleLLMStart(
    _model: Serialized,
    _prompts: string[],
    runId: string,
    parentRunId?: string,
    _extra?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    this.#begin(runId, parentRunId, tags, metadata);
  }

  /** Waits only where very many tokens wait for the disk. */
  override async handleLLMNewToken(
    token: string,
    _at: NewTokenIndices,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    fields?: NewToken[5],
  ): Promise<void> {
    const call = this.#calls.get(runId);
    if (call === undefined) return;
    const { id, text, calls } = contentOf(token, fields);
    if (text === "" && calls.length === 0) return;
    const stream = this.#streams.get(runId) ?? this.#newStream(runId, { ...call, message: id ?? call.message });
    stream.add({ at: this.#now(), text, calls });
    const written = this.#append(stream);
    if (this.#waiting.size > this.threads.store.settings.maxQueuedChanges) await written;
  }

  override handleLLMEnd(_output: unknown, runId: string): void {
    const stream = this.#streams.get(runId);
    if (stream !== undefined) stream.isEnded = true;
    // Outside a graph no checkpoint will hold it.
    if (stream?.call.tasks.length === 0) this.live.remove([stream]);
    this.#forget(runId);
  }

  /** What has come of the answer stays. */
  override handleLLMError(_error: unknown, runId: string): void {
    const stream = this.#streams.get(runId);
    if (stream !== undefined) this.live.remove([stream]);
    this.#forget(runId);
  }

  #forget(runId: string): void {
    this.#calls.delete(runId);
    this.#streams.delete(runId);
  }

  #begin(runId: string, parentRunId: string | undefined, tags: string[] = [], metadata: Metadata = {}): void {
    if (tags.some((tag) => HIDDEN.has(tag))) return;
    const threadId = text(metadata["thread_id"]) ?? this.options.threadId;
    if (threadId === undefined) return;
    const path = (text(metadata["langgraph_checkpoint_ns"]) ?? "").split("|").filter((part) => part !== "");
    this.#calls.set(runId, {
      threadId,
      run: text(metadata["run_id"]) ?? this.#rootOf(runId, parentRunId),
      ns: path.slice(0, -1).join("|"),
      node: text(metadata["langgraph_node"]) ?? "",
      tasks: path.map((part) => part.slice(part.lastIndexOf(":") + 1)),
      message: `run-${runId}`,
      nodes: path.flatMap((_, depth) => {
        const step = this.#steps.get(path.slice(0, depth + 1).join("|"));
        return step === undefined ? [] : [{ ns: path.slice(0, depth).join("|"), step }];
      }),
    });
  }

  #newStream(runId: string, call: Call): LiveStream {
    const stream = new LiveStream(call);
    this.#streams.set(runId, stream);
    this.live.add(stream);
    return stream;
  }

  /** Never rejects: a token that was not written is written with the next, and `durable` says so meanwhile. */
  #append(stream: LiveStream): Promise<void> {
    const written = this.threads
      .get(stream.call.threadId)
      .append((view) => Promise.resolve(stream.takeLines(view)))
      .then(
        () => {
          this.#broken.delete(stream);
        },
        (error: unknown) => {
          stream.failed();
          this.#broken.set(stream, error);
          warn(this.threads.store, stream.call.threadId, `a token could not be written: ${messageOf(error)}`, error);
        },
      )
      .finally(() => {
        this.#waiting.delete(written);
      });
    this.#waiting.add(written);
    return written;
  }

  #rootOf(runId: string, parentRunId: string | undefined): string {
    return parentRunId === undefined ? runId : (this.#roots.get(parentRunId) ?? parentRunId);
  }

  #now(): number {
    return this.threads.store.now().getTime();
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
