/**
 * One namespace of a LangGraph store in this process. Reading takes no lock; the first write takes the namespace's lock and
 * begins its journal, and some time without another write gives both back.
 */
import { messageOf } from "../errors.js";
import type { ItemChange, Items } from "../items/item.js";
import type { Labels } from "../items/record.js";
import type { Lock } from "../storage/storage.js";
import { changesKey, namespaceLock, namespaceName } from "../store/item-names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { warn, type Store } from "../store/store.js";
import { waitForLock } from "../store/wait-for-lock.js";
import { loadNamespace, versionsOf, type LoadedNamespace } from "./load.js";
import { LogClosed, NamespaceLog } from "./namespace-log.js";

/** Milliseconds without a write after which another process may have it. */
const IDLE_RELEASE = 500;

interface Open {
  readonly log: NamespaceLog;
  readonly lock: Lock;
}

export class Namespace {
  readonly name: string;
  #known: LoadedNamespace | undefined;
  #open: Open | undefined;
  /** Opening and closing, one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #writing = new Set<Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Store,
    readonly labels: Labels,
    private readonly closing: AbortSignal,
  ) {
    this.name = namespaceName(labels);
  }

  /** Nothing of it is open or under way. */
  get isIdle(): boolean {
    return this.#open === undefined && this.#writing.size === 0;
  }

  /** As they are now; those that expired too. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`. */
  async items(): Promise<Items> {
    if (this.#open !== undefined && this.#open.log.failure === undefined) return this.#open.log.items;
    const { storage } = this.store;
    const known = this.#known;
    if (known !== undefined && String(await versionsOf(storage, this.name)) === String(known.versions))
      return known.items;
    this.#known = await loadNamespace(storage, this.name, this.labels);
    return this.#known.items;
  }

  /** Durable when it resolves, all of it or nothing. Throws `LOCKED`, `CORRUPT`, `STORAGE`. */
  write(changes: readonly ItemChange[]): Promise<void> {
    return this.update(() => changes);
  }

  /** The changes that are made of its items as no other process can change them meanwhile. */
  update(make: (items: Items) => readonly ItemChange[]): Promise<void> {
    return this.#whileOpen(({ log }) => log.write(make(log.items))).catch((error: unknown) => {
      // Closed between opening and writing: nothing of it was written.
      if (error instanceof LogClosed) return this.update(make);
      throw error;
    });
  }

  /** Waits for what is being written, and gives the lock back. */
  async close(): Promise<void> {
    while (this.#writing.size > 0) await Promise.allSettled(this.#writing);
    clearTimeout(this.#timer);
    await this.#inTurn(() => this.#close());
  }

  #whileOpen<T>(act: (open: Open) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    const result = this.#opened().then(act);
    this.#writing.add(result);
    const done = (): void => {
      this.#writing.delete(result);
      if (this.#writing.size === 0 && this.#open !== undefined) this.#closeWhenIdle();
    };
    result.then(done, done);
    return result;
  }

  #closeWhenIdle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#inTurn(async () => {
        if (this.#writing.size === 0) await this.#close();
      });
    }, IDLE_RELEASE);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #opened(): Promise<Open> {
    return this.#inTurn(async () => {
      // What failed is spent: what is on disk decides.
      if (this.#open !== undefined && this.#open.log.failure !== undefined) await this.#close();
      return (this.#open ??= await this.#openLog());
    });
  }

  async #openLog(): Promise<Open> {
    const { store, name, labels } = this;
    await store.storage.prepare();
    const what = `namespace ${JSON.stringify(labels)} of the store`;
    const { lock, takenOverFrom } = await waitForLock(store, { lock: namespaceLock(name), what }, this.closing);
    try {
      if (takenOverFrom !== undefined) await this.#sweep();
      const loaded = await loadNamespace(store.storage, name, labels);
      if (loaded.torn !== undefined) await this.#quarantine(loaded.torn, lock);
      this.#known = undefined;
      return { log: new NamespaceLog({ store, name, labels, lock, loaded }), lock };
    } catch (error) {
      await this.#release(lock);
      throw error;
    }
  }

  async #close(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await open.log.close();
    this.#open = undefined;
    await this.#release(open.lock);
  }

  /** Never rejects: nothing is written under it any more, and the lock of a process that ended is free. */
  async #release(lock: Lock): Promise<void> {
    await lock.release().catch((error: unknown) => {
      this.#warn(`its lock could not be removed: ${messageOf(error)}`, error);
    });
  }

  async #sweep(): Promise<void> {
    await this.store.storage.sweep(namespaceLock(this.name)).catch((error: unknown) => {
      this.#warn(`unfinished files could not be removed: ${messageOf(error)}`, error);
    });
  }

  async #quarantine(detail: string, lock: Lock): Promise<void> {
    const where = await copyToQuarantine(this.store, changesKey(this.name), lock);
    this.#warn(
      `the end of its journal was cut off (${detail}); it continues before that, and a copy is in ${where ?? "quarantine"}`,
    );
  }

  #warn(what: string, error?: unknown): void {
    warn(this.store, this.name, `namespace ${JSON.stringify(this.labels)} of the store: ${what}`, error);
  }
}
