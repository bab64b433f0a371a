/** Everything that is kept for undo, for good: but for what a conversation that another process has open may still need. */
import { isDraftstateError } from "../errors.js";
import type { Sessions } from "../session/sessions.js";
import { warn, type Store } from "../store/store.js";

/** The number of bytes freed. Warns of conversations of which something stays. */
export async function emptyTrash(store: Store, sessions: Sessions): Promise<number> {
  const { freed, left } = await store.trash.empty();
  let total = freed;
  for (const id of left) total += await emptyOf(store, sessions, id);
  return total;
}

/** In its turn, where this process has it. */
async function emptyOf(store: Store, sessions: Sessions, id: string): Promise<number> {
  try {
    const { freed, left } = await sessions.guarded(id, ({ guard }) => store.trash.empty(guard));
    if (left.length > 0) warn(store, id, "what a newer version keeps of it stays in the trash");
    return freed;
  } catch (error) {
    if (!isDraftstateError(error, "LOCKED") && !isDraftstateError(error, "NEWER_VERSION")) throw error;
    warn(store, id, `what is kept of it stays in the trash: ${error.message}`, error);
    return 0;
  }
}
