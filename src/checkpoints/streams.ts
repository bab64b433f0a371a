/**
 * The answers of a thread that no node has written yet: replayed from its log, or as they stream. One that is over leaves
 * nothing behind. Pure.
 */
import type { Json } from "../model/json.js";
import type { DropRecord, StreamOrigin, StreamRecord, TokenRecord } from "./token-record.js";

/** What has arrived of an answer. */
export interface Partial extends StreamOrigin {
  readonly number: number;
  readonly text: string;
  readonly calls: readonly Json[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly updatedAt: number;
}

class Stream {
  readonly #texts: string[] = [];
  readonly #calls: Json[] = [];
  #updatedAt: number;

  constructor(readonly origin: StreamRecord) {
    this.#updatedAt = origin.at;
  }

  add({ at, text, calls }: TokenRecord): void {
    if (text !== "") this.#texts.push(text);
    this.#calls.push(...calls);
    this.#updatedAt = at;
  }

  get partial(): Partial {
    const { number, run, ns, node, tasks, message, at } = this.origin;
    return {
      number,
      run,
      ns,
      node,
      tasks,
      message,
      text: this.#texts.join(""),
      calls: [...this.#calls],
      startedAt: at,
      updatedAt: this.#updatedAt,
    };
  }
}

export class Streams {
  readonly #open = new Map<number, Stream>();

  begin(record: StreamRecord): void {
    this.#open.set(record.number, new Stream(record));
  }

  /** Of an answer that is over it is late, and nothing. */
  add(record: TokenRecord): void {
    this.#open.get(record.stream)?.add(record);
  }

  drop({ streams }: Pick<DropRecord, "streams">): void {
    for (const stream of streams) this.#open.delete(stream);
  }

  /** The task's own write: it holds what the answers within it came to. */
  written(task: string): void {
    for (const [number, { origin }] of this.#open) if (origin.tasks.includes(task)) this.#open.delete(number);
  }

  get(number: number): Partial | undefined {
    return this.#open.get(number)?.partial;
  }

  has(number: number): boolean {
    return this.#open.has(number);
  }

  /** In the order in which they began. */
  get partials(): Partial[] {
    return [...this.#open.values()].map(({ partial }) => partial);
  }
}
