/**
 * Watches one conversation as a stream of events that is read at the reader's pace, and can be taken up again from a
 * revision: what happened meanwhile is told event by event where the journal still has it, otherwise as a whole state.
 */
import type { Storage } from "../../storage/storage.js";
import { conversationIds } from "../../store/names.js";
import { ConversationFollower, type WatchEvent } from "./follow.js";

/** Milliseconds between looks while an answer streams, or a server is away: that its writer died changes no file. */
const LIVENESS = 1000;

export interface WatchOptions {
  /** The revision of the last `saved` or `state` event that was seen: what follows it is told. Left out: the whole state is told first. */
  readonly from?: number | undefined;
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
}

/** Ends when the signal says so; throws `STORAGE` where the files cannot be read. Damage is told as a `problem`, and so is a server that is away for a while. */
export async function* watchConversation(
  storage: Storage,
  id: string,
  look: <T>(act: () => Promise<T>) => Promise<T>,
  { from, signal }: WatchOptions,
): AsyncGenerator<WatchEvent, void> {
  const isEnded = (): boolean => signal?.aborted === true;
  if (isEnded()) return;
  const hints = new Hints(signal);
  const follower = new ConversationFollower(storage, id, { states: true, from });
  const watcher = await storage.watch("state", ({ key }) => {
    if (key.name === "" || conversationIds([key.name]).includes(id)) hints.give();
  });
  try {
    while (!isEnded()) {
      hints.take();
      for (const event of await look(() => follower.look())) {
        if (isEnded()) return;
        yield event;
      }
      await hints.wait(follower.mustLookAgain ? LIVENESS : undefined);
    }
  } finally {
    hints.close();
    await watcher.close();
  }
}

/** That something changed since the last look, however often. */
class Hints {
  #given = false;
  #wake: () => void = () => undefined;
  readonly #onAbort = (): void => {
    this.give();
  };

  constructor(private readonly signal: AbortSignal | undefined) {
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  give(): void {
    this.#given = true;
    this.#wake();
  }

  take(): void {
    this.#given = false;
  }

  async wait(atMost: number | undefined): Promise<void> {
    if (this.#given || this.signal?.aborted === true) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (atMost !== undefined) timer = setTimeout(resolve, atMost);
    });
    clearTimeout(timer);
  }

  close(): void {
    this.signal?.removeEventListener("abort", this.#onAbort);
  }
}
