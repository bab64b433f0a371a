/** Who asked for a snapshot and waits for the next one. */
export interface SnapshotWaiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class SnapshotWaiters {
  #waiting: SnapshotWaiter[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Settles with the next snapshot that is begun; `asked` starts it. */
  wait(asked: () => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      asked();
    });
  }

  takeAll(): readonly SnapshotWaiter[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** The snapshot was not begun: they wait for the next one. */
  putBack(waiting: readonly SnapshotWaiter[]): void {
    this.#waiting = [...waiting, ...this.#waiting];
  }

  resolveAll(): void {
    for (const waiter of this.takeAll()) waiter.resolve();
  }

  rejectAll(error: unknown): void {
    for (const waiter of this.takeAll()) waiter.reject(error);
  }
}
