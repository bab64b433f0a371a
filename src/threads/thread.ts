/**
 * One thread in this process. Reading takes no lock; the first write takes the thread's lock and opens its log, and some time
 * without another write gives both back. Puts of one namespace run one after another, since each is told by its parent.
 */
import { DraftstateError, messageOf } from "../errors.js";
import { ThreadIndex } from "../checkpoints/thread-index.js";
import type { Lock } from "../storage/storage.js";
import { segmentKey, threadLock, threadName } from "../store/names.js";
import { OpenWhileUsed } from "../store/open-while-used.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { warn, type Store } from "../store/store.js";
import { waitForLock } from "../store/wait-for-lock.js";
import type { PayloadCache } from "./payload-cache.js";
import { lineOfWrites, linesOfPut, type PutRequest, type WritesRequest } from "./put.js";
import {
  findThread,
  SegmentGone,
  SegmentReader,
  unfinishedRemoval,
  type LoadedThread,
  type NoThread,
  type Segment,
} from "./segment-files.js";
import { LogClosed, ThreadLog, type Line } from "./thread-log.js";
import { summaryOf } from "./summary.js";
import { changeThatTook, takeSegments } from "./thread-trash.js";
import { ThreadView } from "./thread-view.js";
import { removeFolded } from "./tombstone.js";

const READ_ATTEMPTS = 8;

/** What was read of the thread, and how it is told whether that is still so. */
export interface Look {
  readonly view: ThreadView;
  readonly createdAt: string;
  readonly segments: readonly Segment[];
  /** No file of it was there, whatever has been written since. */
  readonly wasBare: boolean;
  readonly isEnded: boolean;
  readonly replaced: LoadedThread["replaced"];
  readonly torn: LoadedThread["torn"];
  /** Undefined where there is no file. */
  readonly version: string | undefined;
}

/** A thread whose files may be worked on. */
export interface HeldThread {
  readonly store: Store;
  readonly name: string;
  readonly threadId: string;
  readonly lock: Lock;
}

export interface LockedThread extends HeldThread {
  readonly look: Look;
}

interface Open {
  readonly look: Look;
  readonly log: ThreadLog;
  readonly lock: Lock;
}

/** What the threads of a process have in common. */
export interface SharedByThreads {
  readonly cache: PayloadCache;
  readonly closing: AbortSignal;
  readonly beforeWriting: () => void;
}

let looks = 0;

export class Thread {
  readonly name: string;
  readonly #reader: SegmentReader;
  readonly #lastPuts = new Map<string, Promise<unknown>>();
  #look: Look | undefined;
  readonly #writing = new OpenWhileUsed<Open>({
    open: () => this.#openLog(),
    close: (open) => this.#close(open),
    isSpent: ({ log }) => log.failure !== undefined,
  });

  constructor(
    private readonly store: Store,
    readonly threadId: string,
    private readonly shared: SharedByThreads,
  ) {
    this.name = threadName(threadId);
    this.#reader = new SegmentReader(store.storage, this.name);
  }

  get queuedWrites(): number {
    return this.#writing.uses;
  }

  get isOpen(): boolean {
    return this.#writing.current !== undefined;
  }

  /** Nothing of it is open or under way. */
  get isIdle(): boolean {
    return this.#writing.isIdle;
  }

  /** On the thread as it is now; an empty one where there is none. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`. */
  async read<T>(act: (view: ThreadView) => Promise<T>): Promise<T> {
    await this.store.reach.assert();
    return this.#retried(async () => {
      const { view } = await this.#current();
      try {
        return await act(view);
      } catch (error) {
        if (error instanceof SegmentGone && !this.isOpen) this.#look = undefined;
        throw error;
      }
    });
  }

  /** Durable when it resolves. Throws `LOCKED`, `STORAGE`. */
  put(request: PutRequest): Promise<void> {
    return this.#afterPutsOf(request.ns, () =>
      this.append((view) => linesOfPut(view, request, this.store.now().getTime())),
    );
  }

  /** Durable when it resolves; the first write of a channel by a task stands. */
  putWrites(request: WritesRequest): Promise<void> {
    return this.append((view) => {
      const line = lineOfWrites(view, request);
      return Promise.resolve(line === undefined ? [] : [line]);
    });
  }

  /** The lines that are made of the thread as it is, durable when it resolves. */
  append(make: (view: ThreadView) => Promise<readonly Line[]>): Promise<void> {
    return this.#writing
      .use(async ({ look, log }) => {
        const lines = await this.#retried(() => make(look.view));
        if (lines.length > 0) await log.append(lines);
      })
      .catch((error: unknown) => {
        // Closed for other work between opening and writing: nothing of it was written.
        if (error instanceof LogClosed) return this.append(make);
        throw error;
      });
  }

  /**
   * Under the thread's lock, while nothing of it is open: for work on the files themselves. What was asked before is done,
   * what is asked meanwhile waits; afterwards the files are read again.
   */
  exclusive<T>(act: (locked: LockedThread) => Promise<T>): Promise<T> {
    return this.holding(async (held) => {
      const look = await this.#current();
      await this.#settle(look, held.lock);
      return act({ ...held, look });
    });
  }

  /** The same without a look at what the files hold: also of a thread that is damaged. */
  holding<T>(act: (held: HeldThread) => Promise<T>): Promise<T> {
    return this.#writing.whileClosed(async () => {
      const lock = await this.#lock();
      this.#look = undefined;
      try {
        return await act({ store: this.store, name: this.name, threadId: this.threadId, lock });
      } finally {
        this.#look = undefined;
        await this.#release(lock);
      }
    });
  }

  /** Waits for what is being written, and gives the lock back. */
  close(): Promise<void> {
    return this.#writing.close();
  }

  /** A segment may be folded into another while a line of it is read. */
  async #retried<T>(act: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof SegmentGone)) throw error;
        if (attempt === READ_ATTEMPTS)
          throw new DraftstateError("STORAGE", `thread ${this.threadId} changed while it was read: try again`);
        this.#reader.forget();
      }
    }
  }

  #afterPutsOf<T>(ns: string, act: () => Promise<T>): Promise<T> {
    const result = (this.#lastPuts.get(ns) ?? Promise.resolve()).then(act);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#lastPuts.set(ns, settled);
    void settled.then(() => {
      if (this.#lastPuts.get(ns) === settled) this.#lastPuts.delete(ns);
    });
    return result;
  }

  async #openLog(): Promise<Open> {
    const { store, name } = this;
    const lock = await this.#lock();
    try {
      const look = await this.#current();
      await this.#settle(look, lock);
      const log = new ThreadLog({
        store,
        thread: name,
        threadId: this.threadId,
        createdAt: look.createdAt,
        lock,
        index: look.view.index,
        reader: this.#reader,
        segments: look.segments,
        mustFoldLast: !look.isEnded,
        wrote: (line, { segment, start }) => {
          look.view.wrote(line, segment, start);
        },
        // For lists alone: where it cannot be told, they read the log.
        summary: (segments) => summaryOf(look.view, segments, store.now).catch(() => undefined),
      });
      return { look, log, lock };
    } catch (error) {
      await this.#release(lock);
      throw error;
    }
  }

  async #lock(): Promise<Lock> {
    this.shared.beforeWriting();
    await this.store.reach.assert();
    await this.store.storage.prepare();
    const wanted = { lock: threadLock(this.name), what: `thread ${this.name}` };
    const { lock, takenOverFrom } = await waitForLock(this.store, wanted, this.shared.closing);
    if (takenOverFrom !== undefined) await this.#sweep();
    return lock;
  }

  async #close({ log, lock, look }: Open): Promise<void> {
    await log.settled();
    const hasFailed = log.failure !== undefined;
    await log.close();
    const last = log.segments.at(-1);
    // What could not be closed may be shorter than it was left.
    const stat =
      last === undefined || hasFailed || !log.isEnded
        ? undefined
        : await this.store.storage.stat(segmentKey(this.name, last.number)).catch(() => undefined);
    const settled = { replaced: [], torn: undefined };
    this.#look =
      stat === undefined
        ? undefined
        : { ...look, ...settled, segments: log.segments, isEnded: log.isEnded, version: stat.version };
    await this.#release(lock);
  }

  #release(lock: Lock): Promise<void> {
    return this.store.locks.release(lock, this.threadId);
  }

  async #sweep(): Promise<void> {
    await this.store.storage.sweep(threadLock(this.name)).catch((error: unknown) => {
      this.#warn("unfinished files could not be removed", error);
    });
  }

  async #current(): Promise<Look> {
    const open = this.#writing.current;
    if (open !== undefined && open.log.failure === undefined) return open.look;
    const known = this.#look;
    if (known !== undefined && (await this.#isFresh(known))) return known;
    return (this.#look = this.#lookOf(await findThread(this.store.storage, this.name, this.threadId)));
  }

  /** What a crash cut off goes to quarantine before anything follows it; what is no longer needed goes. */
  async #settle({ torn, replaced, segments, wasBare, createdAt }: Look, lock: Lock): Promise<void> {
    if (segments.length === 0 && !wasBare) await this.#finishRemoval(lock);
    if (torn !== undefined) await this.#quarantine(torn, lock);
    for (const number of replaced) if (!(await this.#letGo(number, segments, createdAt, lock))) return;
  }

  /** A segment that a later one took the place of. One that a prune took, and was cut off, can be undone: it goes to the trash. */
  async #letGo(number: number, segments: readonly Segment[], createdAt: string, lock: Lock): Promise<boolean> {
    const { store, name: thread, threadId } = this;
    const change = await changeThatTook(store.storage, thread, number, createdAt);
    if (change !== undefined) {
      await takeSegments(store, thread, { ...change, segments: [number] }, lock);
      return true;
    }
    try {
      await removeFolded({ store, thread, header: { threadId, createdAt }, lock }, number, segments);
      return true;
    } catch (error) {
      this.#warn("a part of its log that is no longer needed could not be removed; it is skipped when read", error);
      return false;
    }
  }

  /** What a removal that was cut off left standing: it goes to the trash with the rest, before anything new takes its names. */
  async #finishRemoval(lock: Lock): Promise<void> {
    const removal = await unfinishedRemoval(this.store.storage, this.name);
    if (removal !== undefined) await takeSegments(this.store, this.name, removal, lock);
  }

  async #quarantine(
    { segment, detail }: { readonly segment: number; readonly detail: string },
    lock: Lock,
  ): Promise<void> {
    const where = await copyToQuarantine(this.store, segmentKey(this.name, segment), lock);
    warn(
      this.store,
      this.threadId,
      `thread ${this.threadId}: the end of its log was cut off (${detail}); it continues before that, and a copy is in ${where ?? "quarantine"}`,
    );
  }

  /** A change of files always makes the next number, which stays taken as long as this one is there (`tombstone.ts`). */
  async #isFresh({ segments, version }: Look): Promise<boolean> {
    const last = segments.at(-1)?.number ?? 0;
    if (last === 0) return false;
    const [stat, next] = await Promise.all(
      [last, last + 1].map((number) => this.store.storage.stat(segmentKey(this.name, number))),
    );
    return next === undefined && stat !== undefined && stat.version === version;
  }

  #lookOf(found: LoadedThread | NoThread): Look {
    this.#reader.forget();
    looks += 1;
    const loaded = typeof found === "string" ? undefined : found;
    const index = loaded?.index ?? new ThreadIndex();
    return {
      view: new ThreadView(this.threadId, index, this.#reader, this.shared.cache, `${looks}/`),
      createdAt: loaded?.createdAt ?? this.store.now().toISOString(),
      segments: loaded?.segments ?? [],
      wasBare: found === "bare",
      isEnded: loaded?.isEnded ?? true,
      replaced: loaded?.replaced ?? [],
      torn: loaded?.torn,
      version: loaded?.version,
    };
  }

  #warn(what: string, error: unknown): void {
    warn(this.store, this.threadId, `thread ${this.threadId}: ${what}: ${messageOf(error)}`, error);
  }
}
