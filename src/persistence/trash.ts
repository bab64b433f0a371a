/**
 * What an operation takes away, kept for a while so that it can be undone. Each operation on a conversation is a record
 * of its own, sealed, and durable before the first file moves: a crash in between leaves a record that tells where
 * every file is to go back to. Writing happens under the conversation's lock.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import { seal, verifySeal } from "../snapshot/checksum.js";
import type { Key, Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "./backup-codec.js";
import { fromTimestamp, isConversationId, toTimestamp } from "./layout.js";

export const OPERATION_KINDS = ["rm", "prune", "restore", "repair", "rename"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** A file that the operation took away, or a copy of one that it changed, under its name in its own area. */
export interface KeptFile {
  readonly area: "state" | "backup";
  readonly name: string;
}

export interface Operation {
  readonly kind: OperationKind;
  readonly conversationId: string;
  /** Orders operations, and is shared by those that one command did to several conversations. */
  readonly stamp: string;
  readonly files: readonly KeptFile[];
  /** Of a rename: the title before; null where there was none of its own. */
  readonly title?: string | null;
}

export interface TrashEnvironment {
  readonly storage: Storage;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: () => number;
  /** Milliseconds after which an operation can no longer be undone. */
  readonly keepFor: number;
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-z]{4}$/;
const STAMP_LENGTH = "2025-01-14T21-30-00-000Z-0000".length;
const RECORD = /^_operation_(.+)\.json$/;
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

function recordKey(operation: Pick<Operation, "stamp" | "conversationId">): Key {
  return { area: "trash", name: `${operation.stamp}_operation_${operation.conversationId}.json` };
}

export function trashKey(stamp: string, file: KeptFile): Key {
  return { area: "trash", name: `${stamp}_${file.area}_${file.name}` };
}

function encodeOperation(operation: Operation): Uint8Array {
  return seal(Buffer.from(`${JSON.stringify({ ...operation, checksum: "sha256:" }, null, 2)}\n`));
}

function decodeFile(value: unknown): KeptFile | undefined {
  if (!isJsonObject(value)) return undefined;
  const { area, name } = value;
  if ((area !== "state" && area !== "backup") || typeof name !== "string" || /[/\\\0]|^\./.test(name)) return undefined;
  return { area, name };
}

function decodeOperation(bytes: Uint8Array, stamp: string, conversationId: string): Operation | undefined {
  if (verifySeal(Buffer.from(bytes)) !== "valid") return undefined;
  const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  if (!isJsonObject(value) || value["stamp"] !== stamp || value["conversationId"] !== conversationId) return undefined;
  const kind = OPERATION_KINDS.find((known) => known === value["kind"]);
  const files = decodeFiles(value);
  const title = ownValue(value, "title");
  if (kind === undefined || files === undefined) return undefined;
  return { kind, conversationId, stamp, files, ...(typeof title === "string" || title === null ? { title } : {}) };
}

function decodeFiles(value: JsonObject): readonly KeptFile[] | undefined {
  const files: unknown = ownValue(value, "files");
  if (!Array.isArray(files)) return undefined;
  const decoded = (files as unknown[]).map(decodeFile);
  return decoded.includes(undefined) ? undefined : decoded.filter((file) => file !== undefined);
}

/** The stamp at the beginning of a name in the trash. */
function stampOf(name: string): string | undefined {
  const stamp = name.slice(0, STAMP_LENGTH);
  return STAMP.test(stamp) ? stamp : undefined;
}

export function timeOfStamp(stamp: string): Date {
  return fromTimestamp(stamp.slice(0, -"-0000".length));
}

function taken(storage: Storage, key: Key): DraftstateError {
  const path = storage.describe(key);
  return new DraftstateError("STORAGE", `${path} exists again: remove or fork its conversation first; nothing was overwritten`, { path });
}

export class Trash {
  constructor(private readonly environment: TrashEnvironment) {}

  get storage(): Storage {
    return this.environment.storage;
  }

  /** For one command; later than every stamp that is there. */
  async newStamp(): Promise<string> {
    const newest = (await this.storage.list("trash")).map(stampOf).filter((stamp) => stamp !== undefined).at(-1);
    const { now, random } = this.environment;
    const floor = newest === undefined ? 0 : timeOfStamp(newest).getTime() + 1;
    const at = new Date(Math.max(now().getTime(), floor));
    return `${toTimestamp(at)}-${Math.floor(random() * 36 ** 4).toString(36).padStart(4, "0").slice(-4)}`;
  }

  /** The record is durable when it resolves: files that move do so after it, copies are made before it. */
  async begin(operation: Operation): Promise<void> {
    await this.#expire();
    const key = recordKey(operation);
    try {
      await this.#write(key, operation);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE") || (operation.kind !== "rm" && operation.kind !== "prune")) throw error;
      throw new DraftstateError("STORAGE", `${error.message}; what ${operation.kind} removes goes to the trash first: ${operation.kind} --purge removes it for good, without a way back`, { path: this.storage.describe(key), cause: error });
    }
  }

  async #write(key: Key, operation: Operation): Promise<void> {
    if (!(await this.storage.create(key, encodeOperation(operation)))) {
      throw new DraftstateError("STORAGE", `${this.storage.describe(key)} exists already: run the command again`, { path: this.storage.describe(key) });
    }
  }

  /** False where the file is gone already. */
  async take(stamp: string, file: KeptFile): Promise<boolean> {
    return this.storage.move({ area: file.area, name: file.name }, trashKey(stamp, file));
  }

  /** What a file held before the operation changes it. Durable when it resolves. */
  async keep(stamp: string, file: KeptFile, bytes: Uint8Array): Promise<void> {
    await this.storage.create(trashKey(stamp, file), bytes);
  }

  /** Copies of those of the files that are there; gives these. */
  async keepCopies(stamp: string, files: readonly KeptFile[]): Promise<KeptFile[]> {
    const kept: KeptFile[] = [];
    for (const file of files) {
      const bytes = await this.storage.read({ area: file.area, name: file.name }, { maxBytes: MAX_FILE_BYTES });
      if (bytes === undefined) continue;
      await this.keep(stamp, file, bytes);
      kept.push(file);
    }
    return kept;
  }

  /** Newest first. Records that cannot be read are left out: they undo nothing, and expire like the others. */
  async operations(): Promise<Operation[]> {
    const operations: Operation[] = [];
    for (const name of (await this.storage.list("trash")).reverse()) {
      const stamp = stampOf(name);
      const id = RECORD.exec(name.slice(STAMP_LENGTH))?.[1];
      if (stamp === undefined || id === undefined || !isConversationId(id)) continue;
      const operation = await this.#read(stamp, id);
      if (operation !== undefined) operations.push(operation);
    }
    return operations;
  }

  /** Whether it can still be undone: another process may have been faster. */
  async has(operation: Operation): Promise<boolean> {
    return (await this.#read(operation.stamp, operation.conversationId)) !== undefined;
  }

  /** Throws `STORAGE` before anything moves where another file has taken a name: an id that was used again, say. */
  async assertRoomFor(operation: Operation): Promise<void> {
    for (const file of operation.files) {
      const [kept, present] = [await this.storage.read(trashKey(operation.stamp, file)), await this.storage.read(file)];
      if (kept === undefined || present === undefined || Buffer.from(present).equals(kept)) continue;
      throw taken(this.storage, file);
    }
  }

  /** Puts a file back under its name. Safe to repeat after a crash; throws `STORAGE` where another file has taken the name. */
  async putBack(stamp: string, file: KeptFile): Promise<boolean> {
    const [from, to]: [Key, Key] = [trashKey(stamp, file), { area: file.area, name: file.name }];
    const bytes = await this.storage.read(from);
    if (bytes === undefined) return false;
    const present = await this.storage.read(to);
    if (present === undefined) return this.storage.move(from, to);
    if (!Buffer.from(present).equals(bytes)) throw taken(this.storage, to);
    return this.storage.remove(from);
  }

  async readCopy(stamp: string, file: KeptFile): Promise<Uint8Array | undefined> {
    return this.storage.read(trashKey(stamp, file), { maxBytes: MAX_FILE_BYTES });
  }

  /** The operation is undone, or can no longer be. Its files go first, the record last. */
  async forget(operation: Operation): Promise<void> {
    for (const file of operation.files) await this.storage.remove(trashKey(operation.stamp, file));
    await this.storage.remove(recordKey(operation));
  }

  /** Everything that is kept, for good; the number of bytes freed. */
  async empty(): Promise<number> {
    return this.#removeAll(() => true);
  }

  async #expire(): Promise<void> {
    const oldest = this.environment.now().getTime() - this.environment.keepFor;
    await this.#removeAll((stamp) => timeOfStamp(stamp).getTime() < oldest).catch(() => 0);
  }

  async #removeAll(wanted: (stamp: string) => boolean): Promise<number> {
    let freed = 0;
    for (const name of await this.storage.list("trash")) {
      const stamp = stampOf(name);
      if (stamp === undefined || !wanted(stamp)) continue;
      const key: Key = { area: "trash", name };
      const size = (await this.storage.stat(key))?.size ?? 0;
      if (await this.storage.remove(key)) freed += size;
    }
    return freed;
  }

  async #read(stamp: string, conversationId: string): Promise<Operation | undefined> {
    const bytes = await this.storage.read(recordKey({ stamp, conversationId }), { maxBytes: MAX_RECORD_BYTES });
    try {
      return bytes === undefined ? undefined : decodeOperation(bytes, stamp, conversationId);
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw new DraftstateError("CORRUPT", messageOf(error), { cause: error });
    }
  }
}
