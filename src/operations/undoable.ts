/** An operation that has happened, and can be undone from now on. */
import { isDraftstateError, messageOf } from "../errors.js";
import type { Lock } from "../storage/storage.js";
import { warn, type Store } from "../store/store.js";
import type { Operation } from "../store/trash-record.js";

/** Never rejects: it is done. Where that cannot be recorded, it is settled when the conversation is opened next. */
export async function commit(store: Store, operation: Operation, guard: Lock): Promise<void> {
  await store.trash.pending.commit(operation, guard).catch((error: unknown) => {
    const advice = isDraftstateError(error, "STORAGE")
      ? "it can be undone once the store can be written"
      : "it may not be possible to undo it";
    warn(
      store,
      operation.conversationId,
      `${operation.kind} is done, but that could not be recorded (${messageOf(error)}): ${advice}`,
      error,
    );
  });
}
