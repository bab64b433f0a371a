/** The LangGraph threads of a store in this process: each opened when it is used, all closed together. */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { threadIdOf, threadNames } from "../store/names.js";
import type { Store } from "../store/store.js";
import { PayloadCache } from "./payload-cache.js";
import { idInFiles } from "./segment-files.js";
import { Thread } from "./thread.js";
import { changesOf } from "./thread-trash.js";

/** Threads whose index is kept although nothing uses them. */
const MAX_IDLE = 100;

export class Threads {
  readonly #threads = new Map<string, Thread>();
  readonly #cache = new PayloadCache();
  readonly #closing = new AbortController();

  /** `beforeWriting`: called before a thread takes its lock. */
  constructor(
    readonly store: Store,
    private readonly beforeWriting: () => void = () => undefined,
  ) {}

  /** Calls that wait for the disk. */
  get queuedWrites(): number {
    return [...this.#threads.values()].reduce((sum, thread) => sum + thread.queuedWrites, 0);
  }

  /** Threads that are written now: others of the machine have to wait. */
  get openCount(): number {
    return [...this.#threads.values()].filter((thread) => thread.isOpen).length;
  }

  /** Throws `INVALID_ID` for what cannot be one, `USAGE` once closed. */
  get(threadId: string): Thread {
    if (this.#closing.signal.aborted)
      throw new DraftstateError("USAGE", "the persistence manager is closed: make a new one");
    assertThreadId(threadId);
    const thread = this.#threads.get(threadId) ?? this.#make(threadId);
    // The most recently used are last.
    this.#threads.delete(threadId);
    this.#threads.set(threadId, thread);
    return thread;
  }

  #make(threadId: string): Thread {
    for (const [id, thread] of this.#threads) {
      if (this.#threads.size < MAX_IDLE) break;
      if (thread.isIdle) this.#threads.delete(id);
    }
    return new Thread(this.store, threadId, {
      cache: this.#cache,
      closing: this.#closing.signal,
      beforeWriting: this.beforeWriting,
    });
  }

  /** Of every thread that has a file, in the order of their names. Throws `CORRUPT` where one does not tell its id. */
  async ids(): Promise<string[]> {
    await this.store.reach.assert();
    const names = await this.store.storage.list("state");
    const ids: string[] = [];
    for (const thread of threadNames(names)) {
      const id = await this.idOf(thread);
      if (id === undefined) throw namelessThread(thread);
      ids.push(id);
    }
    return ids;
  }

  /** Of a thread by its name in files, which spells it out unless it is long: then a file tells it, or a record in the trash. */
  async idOf(name: string): Promise<string | undefined> {
    const { storage } = this.store;
    const spelled = threadIdOf(name);
    if (spelled !== undefined) return spelled;
    return (await idInFiles(storage, name)) ?? (await changesOf(storage, name))[0]?.threadId;
  }

  /** The same as `release`; nothing can be asked any more. */
  async close(): Promise<void> {
    this.#closing.abort("closing");
    await this.release();
  }

  /** Writes what waits and gives every lock back, even where one fails; then rejects with what failed. */
  async release(): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#threads.values()].map((thread) => thread.close()));
    const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    const [first] = errors;
    if (first === undefined) return;
    throw new DraftstateError(
      isDraftstateError(first) ? first.code : "STORAGE",
      `${errors.length} threads could not be closed as they should: ${errors.map(messageOf).join("; ")}`,
      { cause: new AggregateError(errors) },
    );
  }
}

function namelessThread(name: string): DraftstateError {
  return new DraftstateError(
    "CORRUPT",
    `the files of thread ${name} are damaged, and none of them tells its id; manager.verify() reports what is wrong`,
  );
}

/** Names that would reach a prototype wherever a program takes them for keys. */
const RESERVED = new Set(["__proto__", "constructor", "prototype"]);
const MAX_ID = 2000;

export function assertThreadId(threadId: unknown): asserts threadId is string {
  const isText = typeof threadId === "string" && threadId !== "" && threadId.length <= MAX_ID;
  // Half a surrogate pair has no name of its own in UTF-8.
  if (isText && !RESERVED.has(threadId) && Buffer.from(threadId, "utf8").toString("utf8") === threadId) return;
  const shown = typeof threadId === "string" ? JSON.stringify(threadId.slice(0, 100)) : typeof threadId;
  throw new DraftstateError(
    "INVALID_ID",
    `${shown} cannot be a thread's id: 1 to ${MAX_ID} characters, and none of ${[...RESERVED].join(", ")}`,
  );
}
