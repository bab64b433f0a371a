/** What was asked of a manager and is not done yet: closing waits for all of it, and refuses what comes after. */
import { DraftstateError } from "../errors.js";

export class UnderWay {
  readonly #acts = new Set<Promise<unknown>>();
  #isClosing = false;

  /** Rejects with `USAGE` once closing has begun. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.#isClosing) throw new DraftstateError("USAGE", "the persistence manager is closed: make a new one");
    return this.#track(act());
  }

  /** Resolves when nothing is under way any more, and nothing new can begin. */
  async end(): Promise<void> {
    this.#isClosing = true;
    while (this.#acts.size > 0) await Promise.allSettled(this.#acts);
  }

  #track<T>(act: Promise<T>): Promise<T> {
    this.#acts.add(act);
    const done = (): void => {
      this.#acts.delete(act);
    };
    act.then(done, done);
    return act;
  }
}
