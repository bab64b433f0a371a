/**
 * The life of a manager: what was asked of it and is not done yet, and its end, which waits for all of it, closes every part and
 * leaves nothing that touches the store.
 */
import { assertConversationId } from "../store/names.js";
import { UnderWay } from "../session/under-way.js";
import type { Monitoring } from "./monitoring.js";

export interface ClosedPart {
  close(): Promise<void>;
}

export interface ManagerLifeOptions {
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
      return act();
    });
  }

  read<T>(id: string | undefined, act: () => Promise<T>): Promise<T> {
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
      const { sessions, threads } = this.options;
      await Promise.all([sessions, threads(), ...this.#parts].map((part) => part.close()));
    } finally {
      await this.options.monitoring.close();
    }
  }
}
