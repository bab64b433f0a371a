/**
 * The locks of this process in one store: all are taken and released here, so that none stays because its directory was
 * out of reach at the moment of its release, or because a storage failed after it had taken one.
 */
import { messageOf } from "../errors.js";
import type { Lock, LockAttempt, Storage } from "../storage/storage.js";
import type { ManagerEmitter } from "./events.js";

export interface LocksOptions {
  readonly storage: Storage;
  readonly events: ManagerEmitter;
  readonly now: () => Date;
  /** Milliseconds; 0 for none. */
  readonly lease: number;
}

export class Locks {
  /** Given up, but still there: their directory was out of reach. */
  readonly #left = new Set<Lock>();
  /** Asked for in vain: the storage may have taken it before it failed. */
  readonly #doubtful = new Set<string>();

  constructor(private readonly options: LocksOptions) {}

  async try(name: string): Promise<LockAttempt> {
    const { storage, now, lease } = this.options;
    this.#doubtful.add(name);
    const attempt = await storage.tryLock(name, now(), lease === 0 ? {} : { lease });
    this.#doubtful.delete(name);
    return attempt;
  }

  /** Never rejects: nothing is written under the lock any more, and removing it is tried again at the end. `owner`: of whom it is told. */
  async release(lock: Lock, owner = lock.name): Promise<void> {
    try {
      await lock.release();
    } catch (error) {
      this.#left.add(lock);
      const message = `its lock could not be removed: ${messageOf(error)}`;
      this.options.events.emit("warning", { conversationId: owner, message, error });
    }
  }

  /** What could not be released before; the errors of those that still cannot. Where the whole store is away there is nothing to release: they end with the process. */
  async releaseLeft(): Promise<unknown[]> {
    const outcomes = await Promise.allSettled([...this.#left].map((lock) => lock.release()));
    this.#left.clear();
    await Promise.all([...this.#doubtful].map((name) => this.#releaseDoubtful(name)));
    if (!(await this.options.storage.exists().catch(() => true))) return [];
    return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  }

  /** Acquired again, it can be released. If the storage still fails, no caller was told that it is held. */
  async #releaseDoubtful(name: string): Promise<void> {
    const attempt = await this.try(name).catch(() => undefined);
    if (attempt?.acquired !== true) return;
    if (attempt.takenOverFrom !== undefined) await this.options.storage.sweep(name).catch(() => undefined);
    await this.release(attempt.lock);
  }
}
