/** Removes everything that is kept for undo, except for what a conversation or thread that another process has open may still need. */
import { isDraftstateError, messageOf, type ErrorCode } from "../errors.js";
import type { Sessions } from "../session/sessions.js";
import { threadOfLock } from "../store/names.js";
import { warn, type Store } from "../store/store.js";
import type { Threads } from "../threads/threads.js";

/** The number of bytes freed. Warns of conversations and threads of which something stays. */
export async function emptyTrash(store: Store, sessions: Sessions, threads: Threads): Promise<number> {
  const { freed, left } = await store.trash.empty();
  let total = freed;
  for (const lock of left) {
    const thread = threadOfLock(lock);
    total += await (thread === undefined
      ? emptyOf(store, lock, (empty) => sessions.guarded(lock, ({ guard }) => empty(guard)))
      : emptyOfThread(store, threads, thread));
  }
  return total;
}

/** What is wrong with one conversation or thread, and no reason to keep the others. */
const IN_THE_WAY: ReadonlySet<ErrorCode> = new Set(["LOCKED", "NEWER_VERSION", "CORRUPT"]);

type Discarded = Awaited<ReturnType<Store["trash"]["empty"]>>;
type Empty = Store["trash"]["empty"];

async function emptyOfThread(store: Store, threads: Threads, name: string): Promise<number> {
  const threadId = await threads.idOf(name);
  if (threadId === undefined) {
    warn(store, name, "what is kept of it stays in the trash: nothing there tells the thread's id");
    return 0;
  }
  const thread = threads.get(threadId);
  // With a look at its files: a deletion that was cut off is finished first.
  return emptyOf(store, threadId, (empty) => thread.exclusive(({ lock }) => empty(lock)));
}

/** In its turn, where this process has it. */
async function emptyOf(store: Store, id: string, held: (empty: Empty) => Promise<Discarded>): Promise<number> {
  try {
    const { freed, left } = await held((guard) => store.trash.empty(guard));
    if (left.length > 0) warn(store, id, "what a newer version keeps of it stays in the trash");
    return freed;
  } catch (error) {
    if (!isDraftstateError(error) || !IN_THE_WAY.has(error.code)) throw error;
    warn(store, id, `what is kept of it stays in the trash: ${messageOf(error)}`, error);
    return 0;
  }
}
