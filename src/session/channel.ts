/** Hands items from one running task to another, in order; a writer waits while `capacity` of them are unread. */
export class Channel<T> {
  readonly #items: T[] = [];
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  set capacity(capacity: number) {
    this.#capacity = capacity;
    this.#wakeWriter?.();
  }

  /** Resolves at once while there is room, else when the reader has made some, or has gone. */
  async push(item: T): Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wakeReader?.();
    while (this.#isFull()) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
  }

  /** Resolves when the reader has taken all there is, or has gone. */
  async emptied(): Promise<void> {
    while (this.#items.length > 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
  }

  #isFull(): boolean {
    return this.#items.length >= this.#capacity && !this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** The next item; undefined once it has ended and all are read. No generator: it would take each item several turns of the microtask queue. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#wakeWriter?.();
        return item;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}
