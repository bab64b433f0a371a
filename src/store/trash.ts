/**
 * What an operation takes away, kept for a while so that it can be undone. Each operation on a conversation has a
 * record, durable before the first file moves: a crash in between leaves a record that tells where every file is to go
 * back to. Writing happens under the conversation's lock. Damaged records undo nothing, and are said.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import type { Key, Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "./codec.js";
import { decodeOperation, encodeOperation, parseRecordName, recordKey, stampAfter, stampOf, timeOfStamp, trashKey, undoneKey, type DecodedOperation, type KeptFile, type Operation } from "./trash-record.js";
import { newerVersion } from "./read.js";

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
  /** Records that were complained of: once is enough. */
  readonly #reported = new Set<string>();

  constructor(private readonly environment: TrashEnvironment) {}

  get storage(): Storage {
    return this.environment.storage;
  }

  /** Whether anything is kept at all: otherwise what is removed goes for good. */
  get keeps(): boolean {
    return this.environment.keepFor > 0;
  }

  /** Later than every stamp that is there. */
  async newStamp(): Promise<string> {
    const { now, random } = this.environment;
    return stampAfter(await this.storage.list("trash"), now(), random());
  }

  /** The record is durable when it resolves: files that move do so after it, copies are made before it. What is too old goes first. */
  async begin(operation: Operation): Promise<void> {
    await this.#expire();
    if (!this.keeps) return;
    const key = recordKey(operation);
    try {
      await this.#create(key, encodeOperation(operation));
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE") || (operation.kind !== "rm" && operation.kind !== "prune")) throw error;
      throw new DraftstateError("STORAGE", `${error.message}; what ${operation.kind} removes goes to the trash first: "draftstate undo --empty-trash" makes room, ${operation.kind} --purge removes it for good`, { path: this.storage.describe(key), cause: error });
    }
  }

  /** False where the file is gone already. */
  async take(stamp: string, file: KeptFile): Promise<boolean> {
    return this.storage.move(file, trashKey(stamp, file));
  }

  /** What a file held before the operation changes it. Durable when it resolves. */
  async keep(stamp: string, file: KeptFile, bytes: Uint8Array): Promise<void> {
    if (this.keeps) await this.#create(trashKey(stamp, file), bytes);
  }

  /** Copies of those of the files that are there; gives these. */
  async keepCopies(stamp: string, files: readonly KeptFile[]): Promise<KeptFile[]> {
    const kept: KeptFile[] = [];
    for (const file of files) {
      const bytes = await this.storage.read(file, { maxBytes: MAX_FILE_BYTES });
      if (bytes === undefined) continue;
      await this.keep(stamp, file, bytes);
      kept.push(file);
    }
    return kept;
  }

  /** Newest first. */
  async operations(): Promise<Operation[]> {
    const operations: Operation[] = [];
    for (const name of (await this.storage.list("trash")).reverse()) {
      const named = parseRecordName(name);
      const operation = named === undefined ? undefined : await this.#read(named);
      if (operation !== undefined) operations.push(operation);
    }
    return operations;
  }

  /** Throws `NEWER_VERSION` where the newest record that fits is of a newer version: what lies below it is not undone in its place. */
  async assertNewestIsKnown(fits: (named: NamedRecord) => boolean): Promise<void> {
    for (const name of (await this.storage.list("trash")).reverse()) {
      const named = parseRecordName(name);
      if (named === undefined || !fits(named)) continue;
      const decoded = await this.#decoded(recordKey(named), named);
      if (decoded?.kind === "newer") throw newerVersion(this.storage.describe(recordKey(named)), decoded.detail);
      if (decoded?.kind === "valid") return;
    }
  }

  /** Whether it can still be undone: another process may have been faster. */
  async has(operation: Operation): Promise<boolean> {
    return (await this.#read(operation)) !== undefined;
  }

  /** Throws `STORAGE` before anything moves where another file has taken a name: an id that was used again, say. */
  async assertRoomFor(operation: Operation): Promise<void> {
    for (const file of operation.files) if ((await this.#place(operation.stamp, file)) === "taken") throw this.taken(file);
  }

  /** Puts a file back under its name; false where it is back. Safe to repeat after a crash. Throws `STORAGE` where another file has taken the name. */
  async putBack(stamp: string, file: KeptFile): Promise<boolean> {
    const from = trashKey(stamp, file);
    switch (await this.#place(stamp, file)) {
      case "free":
        return this.storage.move(from, file);
      case "same":
        return this.storage.remove(from);
      case "taken":
        throw this.taken(file);
    }
  }

  /** What whoever finds a name taken is told: a way on that needs nothing overwritten. */
  taken(file: KeptFile): DraftstateError {
    const path = this.storage.describe(file);
    return new DraftstateError("STORAGE", `${path} exists again, nothing was put back: remove its conversation by "draftstate rm", then go further back by "draftstate undo --list" and "--at"`, { path });
  }

  async readCopy(stamp: string, file: KeptFile): Promise<Uint8Array | undefined> {
    return this.storage.read(trashKey(stamp, file), { maxBytes: MAX_FILE_BYTES });
  }

  /** The operation is undone, or no longer can be. Its record loses its name durably first, so that it is never undone twice; then the rest goes. */
  async forget(operation: Operation): Promise<void> {
    const undone = undoneKey(operation);
    await this.storage.remove(undone);
    await this.storage.move(recordKey(operation), undone);
    for (const file of operation.files) await this.storage.remove(trashKey(operation.stamp, file));
    await this.storage.remove(undone);
  }

  /** Something went wrong: where every file of it still stands, nothing was done that could be undone. */
  async withdrawIfNothingWent(operation: Operation): Promise<void> {
    const standing = await Promise.all(operation.files.map((file) => this.storage.stat(file)));
    if (standing.every((stat) => stat !== undefined)) await this.forget(operation);
  }

  /** The conversation is gone for good: what was done to it can no longer be undone. An earlier one of its id that was removed before is another. */
  async forgetAll(conversationId: string): Promise<void> {
    const operations = (await this.operations()).filter((operation) => operation.conversationId === conversationId);
    const removed = operations.findIndex(({ kind }) => kind === "rm");
    for (const operation of removed === -1 ? operations : operations.slice(0, removed)) await this.forget(operation);
  }

  /** Everything that is kept, for good; the number of bytes freed. */
  async empty(): Promise<number> {
    return this.#removeAll(() => true);
  }

  async #expire(): Promise<void> {
    const oldest = this.environment.now().getTime() - this.environment.keepFor;
    await this.#removeAll((stamp) => timeOfStamp(stamp).getTime() < oldest).catch(() => 0);
  }

  /** Records go before what they tell of: nothing is undone by half. */
  async #removeAll(wanted: (stamp: string) => boolean): Promise<number> {
    const names = (await this.storage.list("trash")).filter((name) => {
      const stamp = stampOf(name);
      return stamp !== undefined && wanted(stamp);
    });
    let freed = 0;
    for (const name of [...names.filter(isRecord), ...names.filter((each) => !isRecord(each))]) {
      const key: Key = { area: "trash", name };
      const size = (await this.storage.stat(key))?.size ?? 0;
      if (await this.storage.remove(key)) freed += size;
    }
    return freed;
  }

  async #create(key: Key, bytes: Uint8Array): Promise<void> {
    if (await this.storage.create(key, bytes)) return;
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
    const key = recordKey(named);
    const decoded = await this.#decoded(key, named);
    if (decoded === undefined) return undefined;
    if (decoded.kind === "valid") return decoded.operation;
    const path = this.storage.describe(key);
    const why = decoded.kind === "newer" ? `it was written by a newer version (${decoded.detail})` : decoded.detail;
    if (!this.#reported.has(path)) this.environment.warn(named.conversationId, `${path} cannot be used for an undo: ${why}`);
    this.#reported.add(path);
    return undefined;
  }

  async #decoded(key: Key, named: NamedRecord): Promise<DecodedOperation | undefined> {
    try {
      const bytes = await this.storage.read(key, { maxBytes: MAX_RECORD_BYTES });
      return bytes === undefined ? undefined : decodeOperation(bytes, named);
    } catch (error) {
      // Too large, a directory, a link: one bad record hides no other.
      if (isDraftstateError(error, "CORRUPT")) return { kind: "damaged", detail: error.message };
      throw error;
    }
  }
}

function isRecord(name: string): boolean {
  return parseRecordName(name) !== undefined;
}
