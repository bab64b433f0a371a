/** Hands items from running tasks to one that reads them, in order; a writer waits while `capacity` of them are unread. */
export class Channel<T> {
  readonly #items: T[] = [];
  #ended = false;
  #wakeReader: (() => void) | undefined;
  readonly #waitingWriters: (() => void)[] = [];

  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  set capacity(capacity: number) {
    this.#capacity = capacity;
    this.#wakeWriters();
  }

  /** Resolves at once while there is room, else when the reader has made some, or has gone. */
  async push(item: T): Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wakeReader?.();
    while (this.#isFull()) await this.#change();
  }

  /** Resolves when the reader has taken all there is, or has gone. */
  async emptied(): Promise<void> {
    while (this.#items.length > 0 && !this.#ended) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waitingWriters.push(resolve);
    });
  }

  #wakeWriters(): void {
    for (const wake of this.#waitingWriters.splice(0)) wake();
  }

  #isFull(): boolean {
    return this.#items.length >= this.#capacity && !this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader?.();
    this.#wakeWriters();
  }

  /** The next item; undefined once it has ended and all are read. No generator: it would take each item several turns of the microtask queue. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#wakeWriters();
        return item;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}
