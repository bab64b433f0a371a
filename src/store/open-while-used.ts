/**
 * What is opened by its first use and closed again some time after its last: one machine (closed → open → closed) with one
 * turn, so that openings, closings and work that needs it closed come one after another.
 */

/** Milliseconds without a use after which another process may have it. */
const IDLE_RELEASE = 500;

export interface Openable<O> {
  readonly open: () => Promise<O>;
  /** Gives back whatever `open` took. */
  readonly close: (open: O) => Promise<void>;
  /** It failed: the next use opens it anew. */
  readonly isSpent: (open: O) => boolean;
}

export class OpenWhileUsed<O> {
  #open: O | undefined;
  /** Opening and closing, one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #uses = new Set<Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly openable: Openable<O>) {}

  /** Undefined while it is closed. */
  get current(): O | undefined {
    return this.#open;
  }

  get uses(): number {
    return this.#uses.size;
  }

  /** Nothing of it is open or under way. */
  get isIdle(): boolean {
    return this.#open === undefined && this.#uses.size === 0;
  }

  /** Opens it where it is closed. */
  use<T>(act: (open: O) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    const result = this.#opened().then(act);
    this.#uses.add(result);
    const done = (): void => {
      this.#uses.delete(result);
      if (this.#uses.size === 0 && this.#open !== undefined) this.#closeWhenIdle();
    };
    result.then(done, done);
    return result;
  }

  /** While it is closed: uses that come meanwhile wait. */
  whileClosed<T>(act: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#close();
      return act();
    });
  }

  /** Waits for its uses. */
  async close(): Promise<void> {
    while (this.#uses.size > 0) await Promise.allSettled(this.#uses);
    clearTimeout(this.#timer);
    await this.#inTurn(() => this.#close());
  }

  #opened(): Promise<O> {
    return this.#inTurn(async () => {
      // What failed is spent: what is on disk decides.
      if (this.#open !== undefined && this.openable.isSpent(this.#open)) await this.#close();
      return (this.#open ??= await this.openable.open());
    });
  }

  async #close(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    try {
      await this.openable.close(open);
    } finally {
      this.#open = undefined;
    }
  }

  #closeWhenIdle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#inTurn(async () => {
        if (this.#uses.size === 0) await this.#close();
      });
    }, IDLE_RELEASE);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
