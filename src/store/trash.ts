/**
 * What an operation takes away, kept for a while so that it can be undone. What moves files (rm, prune) has a record that is
 * durable before the first file moves: a crash in between leaves a record that tells where each file belongs. What changes a
 * conversation (restore, rename, repair) has a pending record first, which becomes one that can be undone once the change is
 * durable: an operation that is offered for undo has happened. Writing happens under the conversation's lock. Damaged
 * records undo nothing, and are reported.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import type { Content, Key, Lock, Storage } from "../storage/storage.js";
import { trashIsMissing } from "./away.js";
import { MAX_FILE_BYTES } from "./codec.js";
import { snapshotKey } from "./names.js";
import { newerVersion } from "./newer.js";
import { discard, lockIn, type Discarded, type PendingStamp } from "./trash-retention.js";
import { forgetUndos } from "./undo-log.js";
import {
  decodeOperation,
  decodePending,
  encodeOperation,
  parsePendingName,
  parseRecordName,
  pendingKey,
  recordKey,
  recordKeys,
  stampAfter,
  stampOf,
  timeOfStamp,
  trashKey,
  undoneKey,
  type DecodedOperation,
  type KeptFile,
  type Operation,
} from "./trash-record.js";

export interface TrashEnvironment {
  readonly storage: Storage;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: () => number;
  /** Milliseconds for which an operation can be undone, at least; with 0 nothing is kept. */
  readonly keepFor: number;
  readonly warn: (conversationId: string, message: string) => void;
}

export type NamedRecord = Pick<Operation, "stamp" | "conversationId">;

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export class Trash {
  /** By conversation: the operation whose outcome could not be recorded yet, and what records it. */
  readonly #unsettled = new Map<string, { readonly stamp: string; readonly record: (guard: Lock) => Promise<void> }>();
  /** Records that were reported already. */
  readonly #reported = new Set<string>();

  constructor(private readonly environment: TrashEnvironment) {}

  get storage(): Storage {
    return this.environment.storage;
  }

  /** Whether anything is kept at all: otherwise what is removed goes for good. */
  get keeps(): boolean {
    return this.environment.keepFor > 0;
  }

  /** Later than every stamp in the trash, for an operation under the guard. Removes what is too old. */
  async newStamp(guard: Lock): Promise<string> {
    const { now, random } = this.environment;
    const names = await this.names();
    await this.#expire(names, guard).catch(() => undefined);
    return stampAfter(names, now(), random());
  }

  /** Of an operation that moves files: durable when it resolves, before the first of them moves. */
  async begin(operation: Operation, guard: Lock): Promise<void> {
    if (!this.keeps) return;
    const key = recordKey(operation);
    try {
      await this.#create(key, encodeOperation(operation), guard);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      throw new DraftstateError(
        "STORAGE",
        `${error.message}; what ${operation.kind} removes goes to the trash first: "draftstate undo --empty-trash" makes room, ${operation.kind} --purge removes it for good`,
        { path: this.storage.describe(key), cause: error },
      );
    }
  }

  /** Of an operation that changes a conversation, all of which is durable: what it replaces is kept, durably, and cannot be undone yet. */
  async prepare(operation: Operation, guard: Lock): Promise<void> {
    await this.settleDurable(operation.conversationId, guard);
    if (!this.keeps) return;
    try {
      await this.storage.replace(pendingKey(operation.conversationId), encodeOperation(operation), guard);
    } catch (error) {
      // It may be there all the same.
      await this.withdraw(operation, guard).catch(() => undefined);
      throw error;
    }
  }

  /** For a session all of whose changes are durable: what it replaced and could not save at once has happened by now. */
  async settleDurable(conversationId: string, guard: Lock): Promise<void> {
    await this.settle(conversationId, guard);
    const left = await this.pending(conversationId);
    if (left?.kind === "restore") await this.commit(left, guard);
    else if (left !== undefined) throw this.unsettled(left);
  }

  /** Of the operation before, whose outcome could not be recorded when it was over. Throws where it still cannot. */
  async settle(conversationId: string, guard: Lock): Promise<void> {
    const left = this.#unsettled.get(conversationId);
    if (left === undefined) return;
    // Another process may have settled it, and begun one of its own.
    if ((await this.pending(conversationId))?.stamp === left.stamp) await left.record(guard);
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
      if ((await this.storage.stat(record)) === undefined) await this.storage.move(pending, record, held);
      else await this.storage.remove(pending, held);
    });
  }

  /** Where nothing is kept, an operation that is pending is another process's, which kept it. */
  async #isKept({ conversationId, stamp }: Operation): Promise<boolean> {
    return this.keeps || (await this.pending(conversationId))?.stamp === stamp;
  }

  /** It did not happen: nothing of it is left. */
  async withdraw(operation: Operation, guard: Lock): Promise<void> {
    if (!(await this.#isKept(operation))) return;
    await this.#settling(operation, guard, async (held) => {
      await this.storage.remove(pendingKey(operation.conversationId), held);
      for (const file of operation.files) await this.storage.remove(trashKey(operation.stamp, file), held);
    });
  }

  /** What its process did not live to commit or withdraw. A record that cannot be read is reported, and undoes nothing. */
  async pending(conversationId: string): Promise<Operation | undefined> {
    const key = pendingKey(conversationId);
    const decoded = await this.#decode(key, (bytes) => decodePending(bytes, conversationId));
    if (decoded === undefined) return undefined;
    if (decoded.kind === "newer") throw newerVersion(this.storage.describe(key), decoded.detail);
    if (decoded.kind === "valid") return decoded.operation;
    this.#report(conversationId, key, decoded.detail);
    return undefined;
  }

  /** Nothing else is done to the conversation before it is known whether the operation happened. */
  unsettled({ kind, conversationId }: Operation, cause?: unknown): DraftstateError {
    const path = this.storage.describe(pendingKey(conversationId));
    const why = cause === undefined ? "it is under way" : messageOf(cause);
    return new DraftstateError(
      "STORAGE",
      `${kind} of ${conversationId} was cut off, and whether it can be undone could not be recorded in ${path} (${why}): nothing was changed; try again once files can be renamed and removed there`,
      { path, ...(cause === undefined ? {} : { cause }) },
    );
  }

  /** False where the file is gone already. */
  async take(stamp: string, file: KeptFile, guard: Lock): Promise<boolean> {
    return this.storage.move(file, trashKey(stamp, file), guard);
  }

  /** What a file held before the operation changes it. Durable when it resolves. */
  async keep(stamp: string, file: KeptFile, content: Content, guard: Lock): Promise<void> {
    if (this.keeps) await this.#create(trashKey(stamp, file), content, guard);
  }

  /** Copies of those of the files that are there; gives these. */
  async keepCopies(stamp: string, files: readonly KeptFile[], guard: Lock): Promise<KeptFile[]> {
    const kept: KeptFile[] = [];
    for (const file of files) {
      const bytes = await this.storage.read(file, { maxBytes: MAX_FILE_BYTES });
      if (bytes === undefined) continue;
      await this.keep(stamp, file, bytes, guard);
      kept.push(file);
    }
    return kept;
  }

  /** Whether the files are what the operation kept copies of; `gone` where a copy is no longer there, and nothing can be told or undone. */
  async compare({ stamp, files }: Operation): Promise<"unchanged" | "changed" | "gone"> {
    const copies = await Promise.all(files.map((file) => this.storage.stat(trashKey(stamp, file))));
    if (copies.includes(undefined)) return "gone";
    const places = await Promise.all(files.map((file) => this.#place(stamp, file)));
    return places.every((place) => place === "same") ? "unchanged" : "changed";
  }

  /** Whether the snapshot is the file that the operation kept a copy of, byte for byte. */
  async holdsSnapshot({ conversationId, stamp, files }: Operation): Promise<boolean> {
    const { name } = snapshotKey(conversationId);
    const snapshot = files.find((file) => file.area === "state" && file.name === name);
    return snapshot !== undefined && (await this.#place(stamp, snapshot)) === "same";
  }

  /** Newest first: of all conversations, or of one. */
  async operations(id?: string, names?: readonly string[]): Promise<Operation[]> {
    const operations: Operation[] = [];
    for (const named of recordsIn(names ?? (await this.names()))) {
      const operation = id === undefined || named.conversationId === id ? await this.#read(named) : undefined;
      if (operation !== undefined) operations.push(operation);
    }
    return operations;
  }

  /**
   * Those that fit, newest first; with `groupOnly` the newest and what the same command did. Throws `NEWER_VERSION` where the
   * newest is of a newer version: what lies below it is not undone in its place.
   */
  async latest(
    fits: (named: NamedRecord) => boolean,
    groupOnly: boolean,
    names?: readonly string[],
  ): Promise<Operation[]> {
    const operations: Operation[] = [];
    for (const named of recordsIn(names ?? (await this.names()))) {
      // A group is named by the stamp of its first operation, or one that was drawn before.
      if (groupOnly && operations[0] !== undefined && named.stamp < operations[0].group) break;
      if (!fits(named)) continue;
      const decoded = await this.#decoded(named);
      if (decoded?.kind === "newer" && operations.length === 0)
        throw newerVersion(this.storage.describe(recordKey(named)), decoded.detail);
      const operation = this.#usable(named, decoded);
      if (operation !== undefined) operations.push(operation);
    }
    return operations;
  }

  names(): Promise<string[]> {
    return this.storage.list("trash");
  }

  /** Whether it can still be undone: another process may have been faster. */
  async has(operation: Operation): Promise<boolean> {
    if ((await this.#read(operation)) !== undefined) return true;
    await this.#assertInReach();
    return false;
  }

  /** Throws `STORAGE` before anything moves where another file has taken a name: an id that was used again, say. */
  async assertRoomFor(operation: Operation): Promise<void> {
    for (const file of operation.files)
      if ((await this.#place(operation.stamp, file)) === "taken") throw this.taken(file);
  }

  /** Puts a file back under its name; false where it is back. Safe to repeat after a crash. Throws `STORAGE` where another file has taken the name. */
  async putBack(stamp: string, file: KeptFile, guard: Lock): Promise<boolean> {
    const from = trashKey(stamp, file);
    switch (await this.#place(stamp, file)) {
      case "free":
        return this.storage.move(from, file, guard);
      case "same":
        return this.storage.remove(from, guard);
      case "taken":
        throw this.taken(file);
    }
  }

  /** Names a way out that overwrites nothing. */
  taken(file: KeptFile): DraftstateError {
    const path = this.storage.describe(file);
    return new DraftstateError(
      "STORAGE",
      `${path} exists again, nothing was put back: remove its conversation by "draftstate rm", then go further back by "draftstate undo --list" and "--at"`,
      { path },
    );
  }

  /** Undefined where it is gone. Throws `STORAGE` where all of the trash is. */
  async readCopy(stamp: string, file: KeptFile): Promise<Uint8Array | undefined> {
    const bytes = await this.storage.read(trashKey(stamp, file), { maxBytes: MAX_FILE_BYTES });
    if (bytes === undefined) await this.#assertInReach();
    return bytes;
  }

  /** For what was there a moment ago. */
  async #assertInReach(): Promise<void> {
    if (!(await this.storage.exists("trash"))) throw trashIsMissing(this.storage);
  }

  /** Before the first file goes back. False where the record has gone: another process has undone it, or removed what was too old. */
  async claim(operation: Operation, guard: Lock): Promise<boolean> {
    const [record, claimed] = recordKeys(operation);
    const isClaimed = (await this.storage.stat(record)) === undefined;
    const [from, to] = isClaimed ? [claimed, record] : [record, claimed];
    // A crash in the middle of the move may have left both names.
    await this.storage.remove(to, guard);
    return this.storage.move(from, to, guard);
  }

  /** The operation is undone, or no longer can be. Its record loses its name durably first, so that it is never undone twice; then the rest goes. */
  async forget(operation: Operation, guard: Lock): Promise<void> {
    const undone = undoneKey(operation);
    await this.storage.remove(undone, guard);
    const [record, claimed] = recordKeys(operation);
    if (await this.storage.move(record, undone, guard)) await this.storage.remove(claimed, guard);
    else await this.storage.move(claimed, undone, guard);
    for (const file of operation.files) await this.storage.remove(trashKey(operation.stamp, file), guard);
    await this.storage.remove(undone, guard);
  }

  /** Something went wrong: where every file of it still stands, nothing was done that could be undone. */
  async withdrawIfNothingWent(operation: Operation, guard: Lock): Promise<void> {
    const standing = await Promise.all(operation.files.map((file) => this.storage.stat(file)));
    // A power loss may bring the record back: then undoing it finds every file in its place.
    if (standing.every((stat) => stat !== undefined)) await this.storage.remove(recordKey(operation), guard);
  }

  /** The conversation is gone for good: what was done to it can no longer be undone. An earlier one of its id that was removed before is another. */
  async forgetAll(conversationId: string, guard: Lock): Promise<void> {
    const names = await this.names();
    const operations = await this.operations(conversationId, names);
    const removed = operations.findIndex(({ kind }) => kind === "rm");
    for (const operation of removed === -1 ? operations : operations.slice(0, removed))
      await this.forget(operation, guard);
    const pending = await this.pending(conversationId);
    if (pending !== undefined) await this.withdraw(pending, guard);
    await forgetUndos(this.storage, names, conversationId, guard);
  }

  /** Everything that is kept, for good; of one conversation or thread where its guard is given. */
  async empty(guard?: Lock): Promise<Discarded> {
    const isOurs = (name: string): boolean => guard === undefined || lockIn(name) === guard.name;
    return this.#discard(
      await this.names(),
      (name) => isOurs(name) && (stampOf(name) !== undefined || parsePendingName(name) !== undefined),
      guard,
    );
  }

  /** Whoever keeps nothing has put nothing there: what others keep is not its to remove. */
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
    return discard({ storage: this.storage, names, isOver, guard, pendingOn: (id) => this.#pendingOn(id) });
  }

  async #pendingOn(conversationId: string): Promise<PendingStamp | undefined> {
    try {
      return await this.pending(conversationId);
    } catch (error) {
      if (isDraftstateError(error, "NEWER_VERSION")) return "newer";
      throw error;
    }
  }

  async #create(key: Key, content: Content, guard: Lock): Promise<void> {
    if (await this.storage.create(key, content, guard)) return;
    const path = this.storage.describe(key);
    throw new DraftstateError("STORAGE", `${path} exists already: run the command again`, { path });
  }

  async #place(stamp: string, file: KeptFile): Promise<"free" | "same" | "taken"> {
    const [kept, present] = [await this.storage.stat(trashKey(stamp, file)), await this.storage.stat(file)];
    if (kept === undefined || present === undefined) return "free";
    if (kept.size !== present.size) return "taken";
    const [ours, theirs] = [await this.storage.read(trashKey(stamp, file)), await this.storage.read(file)];
    return ours === undefined || theirs === undefined || Buffer.from(ours).equals(theirs) ? "same" : "taken";
  }

  async #read(named: NamedRecord): Promise<Operation | undefined> {
    return this.#usable(named, await this.#decoded(named));
  }

  /** What cannot be used is reported once. */
  #usable(named: NamedRecord, decoded: DecodedOperation | undefined): Operation | undefined {
    if (decoded === undefined) return undefined;
    if (decoded.kind === "valid") return decoded.operation;
    this.#report(
      named.conversationId,
      recordKey(named),
      decoded.kind === "newer" ? `it was written by a newer version (${decoded.detail})` : decoded.detail,
    );
    return undefined;
  }

  #report(conversationId: string, key: Key, detail: string): void {
    const path = this.storage.describe(key);
    if (!this.#reported.has(path))
      this.environment.warn(conversationId, `${path} cannot be used for an undo: ${detail}`);
    this.#reported.add(path);
  }

  /** Under either name; the first again, since the name may change between two looks. */
  async #decoded(named: NamedRecord): Promise<DecodedOperation | undefined> {
    const [record, claimed] = recordKeys(named);
    for (const key of [record, claimed, record]) {
      const decoded = await this.#decode(key, (bytes) => decodeOperation(bytes, named));
      if (decoded !== undefined) return decoded;
    }
    return undefined;
  }

  async #decode(key: Key, decode: (bytes: Uint8Array) => DecodedOperation): Promise<DecodedOperation | undefined> {
    try {
      const bytes = await this.storage.read(key, { maxBytes: MAX_RECORD_BYTES });
      return bytes === undefined ? undefined : decode(bytes);
    } catch (error) {
      // Too large, a directory, a link: one bad record hides no other.
      if (isDraftstateError(error, "CORRUPT")) return { kind: "damaged", detail: error.message };
      throw error;
    }
  }
}

/** Newest first; each once, whatever its name. */
function recordsIn(names: readonly string[]): NamedRecord[] {
  const records = [...names].reverse().flatMap((name) => parseRecordName(name) ?? []);
  return [...new Map(records.map((named) => [recordKey(named).name, named])).values()];
}
