/**
 * What an operation replaced and could not save at once, and what was changed since on top of it: the operation stands, and is
 * offered for undo as soon as all of it is durable.
 */
import { isDraftstateError } from "../errors.js";
import type { Lock } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import { housekeep } from "./housekeeping.js";

export interface LeftForUndoOptions {
  readonly id: string;
  readonly store: Store;
  readonly lock: Lock;
  /** Resolves when all changes are durable. */
  readonly flushUnacknowledged: () => Promise<void>;
  readonly isClosed: () => boolean;
  /** In the conversation's turn. */
  readonly inTurn: (act: () => Promise<void>) => Promise<void>;
}

export class LeftForUndo {
  #stands = false;

  constructor(private readonly options: LeftForUndoOptions) {}

  /** What an operation replaced could not be saved at once, and was changed since. */
  stands(): void {
    this.#stands = true;
  }

  /** Once a flush has made all changes durable, what stands is offered. */
  afterFlush(flushed: Promise<void>): Promise<void> {
    if (!this.#stands) return flushed;
    return flushed.then(() => {
      this.#offer();
    });
  }

  /**
   * An operation that was left undecided is offered for undo once all changes are durable. In the conversation's turn. Throws
   * `STORAGE` where that cannot be now.
   */
  async settle(): Promise<void> {
    const { id, store, lock, flushUnacknowledged } = this.options;
    const left = await store.trash.records.pending(id);
    if (left === undefined) return;
    try {
      await flushUnacknowledged();
      await store.trash.pending.settleDurable(id, lock);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      throw store.trash.pending.unsettled(left, error);
    }
  }

  /** Where the session closes. What fails is a warning: the next writer settles it. */
  async settleAtEnd(): Promise<void> {
    if (this.#stands) await this.#settleAtLast();
  }

  /** What stands is durable by now: it is offered for undo in the conversation's next turn. */
  #offer(): void {
    const { inTurn, isClosed } = this.options;
    if (!this.#stands || isClosed()) return;
    this.#stands = false;
    void inTurn(() => (isClosed() ? Promise.resolve() : this.#settleAtLast()));
  }

  async #settleAtLast(): Promise<void> {
    this.#stands = true;
    await housekeep(this.options.store, this.options.id, "what an operation left for undo", async () => {
      await this.settle();
      this.#stands = false;
    });
  }
}
