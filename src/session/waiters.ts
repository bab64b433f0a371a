/**
 * Who waits for which revision to become durable. Acknowledgements can be held back: what becomes durable meanwhile is
 * acknowledged when they are released, so that an operation never replaces a change that was acknowledged while it ran.
 */
interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  #waiters: Waiter[] = [];
  #inside: Waiter[] = [];
  #held = 0;
  #durable: number;
  #acknowledged: number;
  #closed: Error | undefined;

  constructor(durable: number) {
    this.#durable = durable;
    this.#acknowledged = durable;
  }

  get durable(): number {
    return this.#durable;
  }

  /** The highest revision that was acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Resolves once the revision is durable and acknowledged; rejects if a save of it failed after every retry. */
  acknowledgement(revision: number): Promise<void> {
    return revision <= this.#acknowledged ? Promise.resolve() : this.#wait(this.#waiters, revision);
  }

  /** Resolves once the revision is durable, also while acknowledgements are held. */
  durability(revision: number): Promise<void> {
    return revision <= this.#durable ? Promise.resolve() : this.#wait(this.#inside, revision);
  }

  hold(): () => void {
    this.#held += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      if (this.#held === 0) this.#acknowledge();
    };
  }

  becameDurable(revision: number): void {
    this.#durable = Math.max(this.#durable, revision);
    this.#inside = settle(this.#inside, this.#durable, (waiter) => {
      waiter.resolve();
    });
    if (this.#held === 0) this.#acknowledge();
  }

  /** Waiters that arrived after this attempt began are not rejected: the next attempt settles them. */
  failed(revision: number, error: unknown): void {
    const reject = (waiter: Waiter): void => {
      waiter.reject(error);
    };
    this.#inside = settle(this.#inside, revision, reject);
    this.#waiters = settle(this.#waiters, revision, reject, this.#durable);
  }

  /** Nothing more is written: no waiter waits for ever. */
  close(error: Error): void {
    this.#closed = error;
    for (const waiter of [...this.#inside, ...this.#waiters]) waiter.reject(error);
    this.#inside = [];
    this.#waiters = [];
  }

  #wait(waiters: Waiter[], revision: number): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      waiters.push({ revision, resolve, reject });
    });
  }

  #acknowledge(): void {
    this.#acknowledged = this.#durable;
    this.#waiters = settle(this.#waiters, this.#durable, (waiter) => {
      waiter.resolve();
    });
  }
}

/** Those that still wait. What is durable already and only held back does not fail. */
function settle(waiters: readonly Waiter[], upTo: number, act: (waiter: Waiter) => void, durable = 0): Waiter[] {
  const isDue = ({ revision }: Waiter): boolean => revision <= upTo && revision > durable;
  const due = waiters.filter(isDue);
  const rest = waiters.filter((waiter) => !isDue(waiter));
  for (const waiter of due) act(waiter);
  return rest;
}
