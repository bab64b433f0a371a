/**
 * Watches one conversation or all that other processes write. The storage's watcher gives hints by name; each starts a
 * look at that conversation alone. Looks at one conversation never overlap, and hints that come meanwhile are one more look.
 * While an answer streams, a look a second also tells that its writer died, which changes no file; while a server is away, that
 * it is back.
 */
import type { Storage, Watcher } from "../../storage/storage.js";
import { ConversationFollower, type Followed, type FollowEvent } from "./follow.js";
import { conversationIds } from "../../store/names.js";

const LIVENESS = 1000;

export interface WatchOptions {
  readonly storage: Storage;
  /** Of one conversation; all where it is left out. */
  readonly id?: string;
  /** Milliseconds between two looks at one conversation: what happens meanwhile is told together. */
  readonly gap: number;
  readonly tell: (events: readonly FollowEvent[], current: Followed | undefined, id: string) => void;
  /** What could not be read and may not pass; the watch continues. */
  readonly failed: (error: unknown) => void;
}

/** One conversation: look, wait, look again when there is a reason to. */
class Looking {
  readonly #follower: ConversationFollower;
  #looking: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly options: WatchOptions,
    id: string,
    private readonly onQuiet: () => void,
  ) {
    this.#follower = new ConversationFollower(options.storage, id);
  }

  hint(): void {
    if (this.#closed) return;
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#looking = this.#look()
      .catch(this.options.failed)
      .finally(() => {
        this.#looking = undefined;
        this.#next();
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { tell } = this.options;
    const events = (await this.#follower.look()).filter((event) => event.kind !== "state");
    if (events.length > 0 && !this.#closed) tell(events, this.#follower.current, this.#follower.id);
  }

  #next(): void {
    if (this.#closed) return;
    const after = this.#again ? this.options.gap : this.#follower.mustLookAgain ? LIVENESS : undefined;
    this.#again = false;
    if (after === undefined) this.onQuiet();
    else {
      this.#timer = setTimeout(() => {
        this.hint();
      }, after);
    }
  }
}

/** Resolves when it watches; what is there of the one conversation is told at first. */
export async function watchConversations(options: WatchOptions): Promise<Watcher> {
  const looking = new Map<string, Looking>();
  const lookAt = (id: string): void => {
    const known = looking.get(id);
    const one =
      known ??
      new Looking(options, id, () => {
        // Of thousands only those that move are kept; the one that was asked for stays.
        if (options.id === undefined) looking.delete(id);
      });
    looking.set(id, one);
    one.hint();
  };
  const watcher = await options.storage.watch("state", ({ key }) => {
    const [id] = key.name === "" ? [options.id] : conversationIds([key.name]);
    if (id !== undefined && (options.id === undefined || options.id === id)) lookAt(id);
  });
  if (options.id !== undefined) lookAt(options.id);
  return {
    async close() {
      await watcher.close();
      await Promise.all([...looking.values()].map((one) => one.close()));
    },
  };
}
