/**
 * The life of a manager: what was asked of it and is not done yet, and its end, which waits for all of it, closes every part and
 * leaves nothing that touches the store.
 */
import { assertConversationId } from "../store/names.js";
import { allOf } from "../session/sessions.js";
import { UnderWay } from "../session/under-way.js";
import type { Store } from "../store/store.js";
import type { Monitoring } from "./monitoring.js";

export interface ClosedPart {
  close(): Promise<void>;
}

export interface ManagerLifeOptions {
  readonly store: Pick<Store, "reach" | "locks">;
  readonly monitoring: Monitoring;
  readonly sessions: ClosedPart & {
    /** Nothing is to wait for a lock any more. */
    stopWaiting(): void;
  };
  /** Closed also where they were never used: nothing is to open them later. */
  readonly threads: () => ClosedPart;
}

export class ManagerLife {
  readonly #underWay = new UnderWay();
  readonly #ending = new AbortController();
  readonly #parts = new Set<ClosedPart>();
  #closing: Promise<void> | undefined;

  constructor(private readonly options: ManagerLifeOptions) {}

  /** Aborts when the end begins. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Closed when all that is under way is done. */
  closesWith(part: ClosedPart): void {
    this.#parts.add(part);
  }

  /** Of the conversation, or of several: refused once the manager is closed. */
  change<T>(id: string | undefined, act: () => Promise<T>): Promise<T> {
    return this.run(() => {
      if (id !== undefined) assertConversationId(id);
      return act();
    });
  }

  run<T>(act: () => Promise<T>): Promise<T> {
    return this.#underWay.run(async () => {
      this.options.monitoring.monitor.start();
      return this.options.store.reach.within(act);
    });
  }

  /** Nothing is found, or not found, while the store is away: `STORAGE`. */
  read<T>(id: string | undefined, act: () => Promise<T>): Promise<T> {
    return this.look(id, () => this.options.store.reach.within(act));
  }

  /** What can be told of a store that is away too. */
  look<T>(id: string | undefined, act: () => Promise<T>): Promise<T> {
    return this.#underWay.run(async () => {
      if (id !== undefined) assertConversationId(id);
      return act();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    this.options.sessions.stopWaiting();
    try {
      await this.#underWay.end();
      await this.#closeParts();
    } finally {
      await this.options.monitoring.close();
    }
  }

  /** All of them, even where one fails; locks that are still there are failures too. */
  async #closeParts(): Promise<void> {
    const { sessions, threads, store } = this.options;
    const outcomes = await Promise.allSettled([sessions, threads(), ...this.#parts].map((part) => part.close()));
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    failed.push(...(await store.locks.releaseLeft()));
    if (failed.length > 0) throw allOf(failed);
  }
}
