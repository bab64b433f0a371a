/**
 * One namespace of a LangGraph store in this process. Reading takes no lock; the first write takes the namespace's lock and
 * begins its journal, and some time without another write gives both back.
 */
import { messageOf } from "../errors.js";
import type { Items } from "../items/item.js";
import type { Labels } from "../items/record.js";
import type { Lock } from "../storage/storage.js";
import { changesKey, namespaceLock, namespaceName } from "../store/item-names.js";
import { OpenWhileUsed } from "../store/open-while-used.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { warn, type Store } from "../store/store.js";
import { waitForLock } from "../store/wait-for-lock.js";
import { loadNamespace, versionsOf, type LoadedNamespace } from "./load.js";
import { repairNamespace, type RepairNamespaceResult } from "./repair.js";
import { LogClosed, NamespaceLog, type Change } from "./namespace-log.js";

interface Open {
  readonly log: NamespaceLog;
  readonly lock: Lock;
}

export class Namespace {
  readonly name: string;
  #known: LoadedNamespace | undefined;
  readonly #writing = new OpenWhileUsed<Open>({
    open: () => this.#openLog(),
    close: (open) => this.#close(open),
    isSpent: ({ log }) => log.failure !== undefined,
  });

  constructor(
    private readonly store: Store,
    readonly labels: Labels,
    private readonly closing: AbortSignal,
  ) {
    this.name = namespaceName(labels);
  }

  /** Nothing of it is open or under way. */
  get isIdle(): boolean {
    return this.#writing.isIdle;
  }

  /** As they are now; those that expired too. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`. */
  async items(): Promise<Items> {
    const open = this.#writing.current;
    if (open !== undefined && open.log.failure === undefined) return open.log.items;
    const { storage, reach } = this.store;
    await reach.assert();
    const known = this.#known;
    if (known !== undefined && String(await versionsOf(storage, this.name)) === String(known.versions))
      return known.items;
    this.#known = await loadNamespace(storage, this.name, this.labels);
    return this.#known.items;
  }

  /** Durable when it resolves, all of it or nothing. What makes the changes sees its items as nobody changes them meanwhile. Throws `LOCKED`, `CORRUPT`, `STORAGE`. */
  write(change: Change): Promise<void> {
    return this.#writing
      .use(({ log }) => log.write(change))
      .catch((error: unknown) => {
        // Closed between opening and writing: nothing of it was written.
        if (error instanceof LogClosed) return this.write(change);
        throw error;
      });
  }

  /** A damaged one made usable with what can be read of it; its files are copied to quarantine first. Throws `NEWER_VERSION`. */
  repair(): Promise<RepairNamespaceResult> {
    return this.#writing.whileClosed(async () => {
      const lock = await this.#lock();
      try {
        return await repairNamespace(this.store, this.name, lock);
      } finally {
        await this.#release(lock);
      }
    });
  }

  /** Waits for what is being written, and gives the lock back. */
  close(): Promise<void> {
    return this.#writing.close();
  }

  async #openLog(): Promise<Open> {
    const { store, name, labels } = this;
    const lock = await this.#lock();
    try {
      const loaded = await loadNamespace(store.storage, name, labels);
      if (loaded.torn !== undefined) await this.#quarantine(loaded.torn, lock);
      this.#known = undefined;
      return { log: new NamespaceLog({ store, name, labels, lock, loaded }), lock };
    } catch (error) {
      await this.#release(lock);
      throw error;
    }
  }

  async #lock(): Promise<Lock> {
    const { store, name, labels } = this;
    await store.reach.assert();
    await store.storage.prepare();
    const what = `namespace ${JSON.stringify(labels)} of the store`;
    const { lock, takenOverFrom } = await waitForLock(store, { lock: namespaceLock(name), what }, this.closing);
    if (takenOverFrom !== undefined) await this.#sweep();
    return lock;
  }

  async #close({ log, lock }: Open): Promise<void> {
    await log.close();
    await this.#release(lock);
  }

  #release(lock: Lock): Promise<void> {
    return this.store.locks.release(lock, this.name);
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
