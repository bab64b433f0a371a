/**
 * Operations that change a conversation (restore, rename, repair) and are not over. Each has a pending record before the change;
 * once the change is durable the record becomes one that can be undone (`commit`), and goes where nothing was changed
 * (`withdraw`): an operation that is offered for undo has happened. Writing happens under the conversation's lock.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { Lock, Storage } from "../storage/storage.js";
import type { OperationRecords } from "./operation-records.js";
import { encodeOperation, pendingKey, recordKey, trashKey, type Operation } from "./trash-record.js";

export class PendingOperations {
  readonly #storage: Storage;
  readonly #keeps: boolean;
  readonly #records: OperationRecords;
  /** By conversation: the operation whose outcome could not be recorded yet, and what records it. */
  readonly #unsettled = new Map<string, { readonly stamp: string; readonly record: (guard: Lock) => Promise<void> }>();
  /** Conversations whose withdrawn record may still come back after a power loss. */
  readonly #removed = new Set<string>();

  /** Where nothing is kept, none is recorded. */
  constructor(storage: Storage, keeps: boolean, records: OperationRecords) {
    this.#storage = storage;
    this.#keeps = keeps;
    this.#records = records;
  }

  /** Of an operation that changes a conversation, all of which is durable: what it replaces is kept, durably, and cannot be undone yet. */
  async prepare(operation: Operation, guard: Lock): Promise<void> {
    await this.settleDurable(operation.conversationId, guard);
    if (!this.#keeps) return;
    try {
      await this.#storage.replace(pendingKey(operation.conversationId), encodeOperation(operation), guard);
    } catch (error) {
      // It may be there all the same.
      await this.withdraw(operation, guard).catch(() => undefined);
      throw error;
    }
  }

  /** For a session all of whose changes are durable: what it replaced and could not save at once has happened by now. */
  async settleDurable(conversationId: string, guard: Lock): Promise<void> {
    await this.settle(conversationId, guard);
    const left = await this.#records.pending(conversationId);
    if (left?.kind === "restore") await this.commit(left, guard);
    else if (left !== undefined) throw this.unsettled(left);
  }

  /** Of the operation before, whose outcome could not be recorded when it was over. Throws where it still cannot. */
  async settle(conversationId: string, guard: Lock): Promise<void> {
    const left = this.#unsettled.get(conversationId);
    if (left === undefined) return;
    const there = await this.#records.pending(conversationId);
    // Another process may have settled it, and begun one of its own.
    if (there?.stamp === left.stamp) await left.record(guard);
    else if (there === undefined) await this.#settleRemoved(conversationId);
    this.#unsettled.delete(conversationId);
  }

  async #settling(
    { conversationId, stamp }: Operation,
    guard: Lock,
    record: (guard: Lock) => Promise<void>,
  ): Promise<void> {
    this.#unsettled.set(conversationId, { stamp, record });
    await record(guard);
    this.#unsettled.delete(conversationId);
  }

  /** It happened, durably: from now on it can be undone. */
  async commit(operation: Operation, guard: Lock): Promise<void> {
    if (!(await this.#isKept(operation))) return;
    const [pending, record] = [pendingKey(operation.conversationId), recordKey(operation)];
    await this.#settling(operation, guard, async (held) => {
      // A crash in the middle of the move may have left both names.
      if ((await this.#storage.stat(record)) === undefined) await this.#storage.move(pending, record, held);
      else await this.#storage.remove(pending, held);
    });
  }

  /** Where nothing is kept, an operation that is pending is another process's, which kept it. */
  async #isKept({ conversationId, stamp }: Operation): Promise<boolean> {
    return this.#keeps || (await this.#records.pending(conversationId))?.stamp === stamp;
  }

  /** It did not happen: nothing of it is left. */
  async withdraw(operation: Operation, guard: Lock): Promise<void> {
    if (!(await this.#isKept(operation))) return;
    await this.#settling(operation, guard, async (held) => {
      await this.#removePending(operation.conversationId, held);
      for (const file of operation.files) await this.#storage.remove(trashKey(operation.stamp, file), held);
    });
  }

  /** Durably: were it to come back after a power loss, what is changed next would be taken for what it tells of. */
  async #removePending(conversationId: string, guard: Lock): Promise<void> {
    const wasRemoved = this.#removed.has(conversationId);
    // Also where removing it fails, which may have been done all the same.
    this.#removed.add(conversationId);
    if (!(await this.#storage.remove(pendingKey(conversationId), guard)) && !wasRemoved)
      this.#removed.delete(conversationId);
    await this.#settleRemoved(conversationId);
  }

  async #settleRemoved(conversationId: string): Promise<void> {
    if (!this.#removed.has(conversationId)) return;
    await this.#storage.settle("trash");
    this.#removed.delete(conversationId);
  }

  /** Nothing else is done to the conversation before it is known whether the operation happened. */
  unsettled({ kind, conversationId }: Operation, cause?: unknown): DraftstateError {
    const path = this.#storage.describe(pendingKey(conversationId));
    const why = cause === undefined ? "it is under way" : messageOf(cause);
    return new DraftstateError(
      "STORAGE",
      `${kind} of ${conversationId} was cut off, and whether it can be undone could not be recorded in ${path} (${why}): nothing was changed; try again once files can be renamed and removed there`,
      { path, ...(cause === undefined ? {} : { cause }) },
    );
  }
}
