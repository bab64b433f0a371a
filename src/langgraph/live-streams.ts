/**
 * The answers that stream in this process, by thread: what each came to so far and whether the log has it. An append that
 * failed is made good by the next, which writes all of the answer anew; so is what a server lacks that took over.
 */
import type { Json } from "../model/json.js";
import type { Partial } from "../checkpoints/streams.js";
import type { StreamOrigin } from "../checkpoints/token-record.js";
import { encodeDrop, encodeStream, encodeToken } from "../checkpoints/token-record.js";
import type { Line } from "../threads/thread-log.js";
import type { ThreadView } from "../threads/thread-view.js";

/** What is known of a model call before its first token. */
export interface Call extends StreamOrigin {
  readonly threadId: string;
  /** The nodes on the path to it, the outermost first: of which graph, at which of its steps. */
  readonly nodes: readonly NodeAtStep[];
}

export interface NodeAtStep {
  /** Of the graph that the node belongs to. */
  readonly ns: string;
  readonly step: number;
}

export interface Token {
  readonly at: number;
  readonly text: string;
  readonly calls: readonly Json[];
}

export class LiveStream {
  readonly #all: Token[] = [];
  /** Not yet handed to the log. */
  #pending: Token[] = [];
  /** Numbers under which the log may have parts of it. */
  readonly #failed: number[] = [];
  #number: number | undefined;
  /** Of the thread, as the last tokens were handed to the log. */
  #view: ThreadView | undefined;
  #startedAt: number | undefined;
  #updatedAt = 0;
  /** The model has finished. */
  isEnded = false;

  constructor(readonly call: Call) {}

  /** Undefined while the log does not have it. */
  get number(): number | undefined {
    return this.#number;
  }

  add(token: Token): void {
    this.#startedAt ??= token.at;
    this.#updatedAt = token.at;
    this.#all.push(token);
    this.#pending.push(token);
  }

  /** The log may lack some of it, or have it although it failed. */
  failed(): void {
    if (this.#number !== undefined) this.#failed.push(this.#number);
    this.#number = undefined;
  }

  /** Of the tokens that wait; of all of them where the log lacks some. */
  takeLines(view: ThreadView): Line[] {
    if (this.#number !== undefined && this.#view !== view && !this.#isWholeIn(view, this.#number)) this.failed();
    this.#view = view;
    const waiting = this.#pending;
    this.#pending = [];
    if (this.#number !== undefined) return waiting.length === 0 ? [] : [this.#lineOf(this.#number, waiting)];
    const number = (this.#number = view.index.nextNumber());
    const { run, ns, node, tasks, message } = this.call;
    const at = this.#startedAt ?? this.#updatedAt;
    const record = { kind: "stream", number, at, run, ns, node, tasks, message } as const;
    return [...this.#dropFailed(view), { record, bytes: encodeStream(record) }, this.#lineOf(number, this.#all)];
  }

  #lineOf(stream: number, tokens: readonly Token[]): Line {
    const text = tokens.map((token) => token.text).join("");
    const calls = tokens.flatMap((token) => token.calls);
    const record = { kind: "token", stream, at: tokens.at(-1)?.at ?? this.#updatedAt, text, calls } as const;
    return { record, bytes: encodeToken(record) };
  }

  /** All that was handed to the log. */
  #isWholeIn({ index }: ThreadView, number: number): boolean {
    const handed = this.#all.slice(0, this.#all.length - this.#pending.length);
    const known = index.streams.get(number);
    return (
      known !== undefined &&
      this.#isOurs(known) &&
      known.text === handed.map(({ text }) => text).join("") &&
      known.calls.length === handed.flatMap(({ calls }) => calls).length
    );
  }

  /** A server that took over may lack it, and its number be given again. */
  #isOurs({ run, node, message }: Partial): boolean {
    return run === this.call.run && node === this.call.node && message === this.call.message;
  }

  #dropFailed({ index }: ThreadView): Line[] {
    const streams = this.#failed.filter((number) => {
      const known = index.streams.get(number);
      return known === undefined || this.#isOurs(known);
    });
    if (streams.length === 0) return [];
    const record = { kind: "drop", streams } as const;
    return [{ record, bytes: encodeDrop(record) }];
  }
}

export class LiveStreams {
  readonly #byThread = new Map<string, Set<LiveStream>>();

  add(stream: LiveStream): void {
    const known = this.#byThread.get(stream.call.threadId) ?? new Set();
    this.#byThread.set(stream.call.threadId, known.add(stream));
  }

  remove(streams: readonly LiveStream[]): void {
    for (const stream of streams) {
      const known = this.#byThread.get(stream.call.threadId);
      known?.delete(stream);
      if (known?.size === 0) this.#byThread.delete(stream.call.threadId);
    }
  }

  /** Those that a checkpoint of the graph at this step holds: the nodes that they are part of have ended. */
  heldBy(threadId: string, ns: string, step: number): LiveStream[] {
    return this.#where(
      threadId,
      ({ call, isEnded }) => isEnded && call.nodes.some((node) => node.ns === ns && node.step <= step),
    );
  }

  /** Those that the task's own write holds. */
  writtenBy(threadId: string, task: string): LiveStream[] {
    return this.#where(threadId, ({ call }) => call.tasks.includes(task));
  }

  #where(threadId: string, fits: (stream: LiveStream) => boolean): LiveStream[] {
    return [...(this.#byThread.get(threadId) ?? [])].filter(fits);
  }
}
