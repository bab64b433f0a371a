/**
 * What operations take away, kept for a while so that it can be undone. What moves files (rm, prune) has a record that is durable
 * before the first file moves: a crash in between leaves a record that tells where each file belongs. Records go for good once the
 * operation is undone, too old, or of a conversation that is gone. Writing happens under the conversation's lock.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import type { Lock, Storage } from "../storage/storage.js";
import { createInTrash, KeptFiles } from "./kept-files.js";
import { OperationRecords } from "./operation-records.js";
import { PendingOperations } from "./pending-operations.js";
import { discard, lockIn, type Discarded, type PendingStamp } from "./trash-retention.js";
import {
  conversationIn,
  encodeOperation,
  parsePendingName,
  recordKey,
  recordKeys,
  stampAfter,
  stampOf,
  timeOfStamp,
  trashKey,
  undoneKey,
  type Operation,
} from "./trash-record.js";
import { forgetUndos } from "./undo-log.js";

export interface TrashEnvironment {
  readonly storage: Storage;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: () => number;
  /** Milliseconds for which an operation can be undone, at least; with 0 nothing is kept. */
  readonly keepFor: number;
  readonly warn: (conversationId: string, message: string) => void;
}

export class Trash {
  readonly files: KeptFiles;
  readonly records: OperationRecords;
  readonly pending: PendingOperations;

  constructor(private readonly environment: TrashEnvironment) {
    const { storage, warn } = environment;
    this.files = new KeptFiles(storage, this.keeps);
    this.records = new OperationRecords(storage, warn);
    this.pending = new PendingOperations(storage, this.keeps, this.records);
  }

  /** Whether anything is kept at all: otherwise what is removed goes for good. */
  get keeps(): boolean {
    return this.environment.keepFor > 0;
  }

  get #storage(): Storage {
    return this.environment.storage;
  }

  /** Later than every stamp in the trash, for an operation under the guard. Removes what is too old. */
  async newStamp(guard: Lock): Promise<string> {
    const { now, random } = this.environment;
    const names = await this.records.names();
    await this.#expire(names, guard).catch(() => undefined);
    return stampAfter(names, now(), random());
  }

  /** Of an operation that moves files: durable when it resolves, before the first of them moves. */
  async begin(operation: Operation, guard: Lock): Promise<void> {
    if (!this.keeps) return;
    const key = recordKey(operation);
    try {
      await createInTrash(this.#storage, key, encodeOperation(operation), guard);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      throw new DraftstateError(
        "STORAGE",
        `${error.message}; what ${operation.kind} removes goes to the trash first: manager.emptyTrash() makes room, { purge: true } removes it for good`,
        { path: this.#storage.describe(key), cause: error },
      );
    }
  }

  /** Before the first file goes back. False where the record has gone: another process has undone it, or removed what was too old. */
  async claim(operation: Operation, guard: Lock): Promise<boolean> {
    const [record, claimed] = recordKeys(operation);
    const isClaimed = (await this.#storage.stat(record)) === undefined;
    const [from, to] = isClaimed ? [claimed, record] : [record, claimed];
    // A crash in the middle of the move may have left both names.
    await this.#storage.remove(to, guard);
    return this.#storage.move(from, to, guard);
  }

  /** The operation is undone, or no longer can be. Its record loses its name durably first, so that it is never undone twice; then the rest goes. */
  async forget(operation: Operation, guard: Lock): Promise<void> {
    const undone = undoneKey(operation);
    await this.#storage.remove(undone, guard);
    const [record, claimed] = recordKeys(operation);
    if (await this.#storage.move(record, undone, guard)) await this.#storage.remove(claimed, guard);
    else await this.#storage.move(claimed, undone, guard);
    for (const file of operation.files) await this.#storage.remove(trashKey(operation.stamp, file), guard);
    await this.#storage.remove(undone, guard);
  }

  /** Something went wrong: where every file of it still stands, nothing was done that could be undone. */
  async withdrawIfNothingWent(operation: Operation, guard: Lock): Promise<void> {
    const standing = await Promise.all(operation.files.map((file) => this.#storage.stat(file)));
    // A power loss may bring the record back: then undoing it finds every file in its place.
    if (standing.every((stat) => stat !== undefined)) await this.#storage.remove(recordKey(operation), guard);
  }

  /**
   * Before the conversation goes for good: all that is kept of it, with a record or without. What stays is of an earlier one of its id
   * that was removed before, or was done by a newer version.
   */
  async forgetAll(conversationId: string, guard: Lock): Promise<void> {
    const names = await this.records.names();
    const operations = await this.records.operations(conversationId, names);
    const own = await this.#sinceEarlierRemoval(operations);
    for (const operation of own) await this.forget(operation, guard);
    const pending = await this.records.pending(conversationId);
    if (pending !== undefined) await this.pending.withdraw(pending, guard);
    await forgetUndos(this.#storage, names, conversationId, guard);
    const stay = new Set(operations.slice(own.length).map(({ stamp }) => stamp));
    for (const stamp of await this.records.newerStamps(conversationId, names)) stay.add(stamp);
    for (const name of names)
      if (conversationIn(name) === conversationId && !stay.has(stampOf(name) ?? ""))
        await this.#storage.remove({ area: "trash", name }, guard);
    await this.#storage.settle("trash");
  }

  /** Of operations on one conversation, newest first. A removal that was cut off, or whose undo was, is of the conversation that is there. */
  async #sinceEarlierRemoval(operations: readonly Operation[]): Promise<readonly Operation[]> {
    for (const [at, operation] of operations.entries())
      if (operation.kind === "rm" && (await this.files.tookAll(operation))) return operations.slice(0, at);
    return operations;
  }

  /** Everything that is kept, for good; of one conversation or thread where its guard is given. */
  async empty(guard?: Lock): Promise<Discarded> {
    const isOurs = (name: string): boolean => guard === undefined || lockIn(name) === guard.name;
    return this.#discard(
      await this.records.names(),
      (name) => isOurs(name) && (stampOf(name) !== undefined || parsePendingName(name) !== undefined),
      guard,
    );
  }

  /** A store that keeps nothing has put nothing there: what others keep is not its to remove. */
  async #expire(names: readonly string[], guard: Lock): Promise<void> {
    if (!this.keeps) return;
    const oldest = this.environment.now().getTime() - this.environment.keepFor;
    const isOld = (name: string): boolean => {
      const stamp = stampOf(name);
      return stamp !== undefined && timeOfStamp(stamp).getTime() < oldest;
    };
    await this.#discard(names, isOld, guard);
  }

  #discard(names: readonly string[], isOver: (name: string) => boolean, guard: Lock | undefined): Promise<Discarded> {
    return discard({ storage: this.#storage, names, isOver, guard, pendingOn: (id) => this.#pendingOn(id) });
  }

  async #pendingOn(conversationId: string): Promise<PendingStamp | undefined> {
    try {
      return await this.records.pending(conversationId);
    } catch (error) {
      if (isDraftstateError(error, "NEWER_VERSION")) return "newer";
      throw error;
    }
  }
}
