/**
 * The records of operations in the trash, as they are read: those that can be undone, and those that are pending. Damaged and newer
 * records undo nothing, and are reported once.
 */
import { isDraftstateError } from "../errors.js";
import type { Key, Storage } from "../storage/storage.js";
import { assertTrashInReach } from "./away.js";
import { newerVersion } from "./newer.js";
import {
  decodeOperation,
  decodePending,
  isUnmoved,
  parseRecordName,
  pendingKey,
  recordKey,
  recordKeys,
  type DecodedOperation,
  type Operation,
} from "./trash-record.js";

export type NamedRecord = Pick<Operation, "stamp" | "conversationId">;

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export class OperationRecords {
  readonly #storage: Storage;
  readonly #warn: (conversationId: string, message: string) => void;
  /** Those that were reported already. */
  readonly #reported = new Set<string>();

  constructor(storage: Storage, warn: (conversationId: string, message: string) => void) {
    this.#storage = storage;
    this.#warn = warn;
  }

  /** What its process did not live to commit or withdraw. A record that cannot be read is reported, and undoes nothing. */
  async pending(conversationId: string): Promise<Operation | undefined> {
    const key = pendingKey(conversationId);
    const decoded = await this.#decode(key, (bytes) => decodePending(bytes, conversationId));
    if (decoded === undefined) return undefined;
    if (decoded.kind === "newer") throw newerVersion(this.#storage.describe(key), decoded.detail);
    if (decoded.kind === "valid") return decoded.operation;
    this.#report(conversationId, key, decoded.detail);
    return undefined;
  }

  /** Those that happened, newest first: of all conversations, or of one. */
  async operations(id?: string, names?: readonly string[]): Promise<Operation[]> {
    const operations: Operation[] = [];
    const listed = names ?? (await this.names());
    const there = new Set(listed);
    for (const named of recordsIn(listed)) {
      const operation = id === undefined || named.conversationId === id ? await this.#read(named) : undefined;
      if (operation !== undefined && !isUnmoved(operation, there)) operations.push(operation);
    }
    return operations;
  }

  /**
   * Those that fit and happened, newest first; with `groupOnly` the newest and what the same command did. Throws `NEWER_VERSION` where the
   * newest is of a newer version: what lies below it is not undone in its place.
   */
  async latest(
    fits: (named: NamedRecord) => boolean,
    groupOnly: boolean,
    names?: readonly string[],
  ): Promise<Operation[]> {
    const operations: Operation[] = [];
    const listed = names ?? (await this.names());
    const there = new Set(listed);
    for (const named of recordsIn(listed)) {
      // A group is named by the stamp of its first operation, or one that was drawn before.
      if (groupOnly && operations[0] !== undefined && named.stamp < operations[0].group) break;
      if (!fits(named)) continue;
      const decoded = await this.#decoded(named);
      if (decoded?.kind === "newer" && operations.length === 0)
        throw newerVersion(this.#storage.describe(recordKey(named)), decoded.detail);
      const operation = this.#usable(named, decoded);
      if (operation !== undefined && !isUnmoved(operation, there)) operations.push(operation);
    }
    return operations;
  }

  /** Of records that only a newer version can read. */
  async newerStamps(id: string, names: readonly string[]): Promise<string[]> {
    const stamps: string[] = [];
    for (const named of recordsIn(names))
      if (named.conversationId === id && (await this.#decoded(named))?.kind === "newer") stamps.push(named.stamp);
    return stamps;
  }

  names(): Promise<string[]> {
    return this.#storage.list("trash");
  }

  /** Whether it can still be undone: another process may have been faster. */
  async has(operation: Operation): Promise<boolean> {
    if ((await this.#read(operation)) !== undefined) return true;
    await assertTrashInReach(this.#storage);
    return false;
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
    const path = this.#storage.describe(key);
    if (!this.#reported.has(path)) this.#warn(conversationId, `${path} cannot be used for an undo: ${detail}`);
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
      const bytes = await this.#storage.read(key, { maxBytes: MAX_RECORD_BYTES });
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
