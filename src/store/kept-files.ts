/**
 * The files that operations moved to the trash, and the copies of those that they changed: kept under the stamp of the operation,
 * compared with what has their names now, and put back. Writing happens under the conversation's lock.
 */
import { DraftstateError } from "../errors.js";
import type { Content, Key, Lock, Storage } from "../storage/storage.js";
import { assertTrashInReach } from "./away.js";
import type { Metadata } from "../model/conversation.js";
import { implausible } from "../plan/plausible.js";
import { decodeMetadataEnd, decodeSnapshot } from "../snapshot/decode.js";
import { MAX_FILE_BYTES } from "./codec.js";
import { snapshotKey } from "./names.js";
import { stampOf, timeOfStamp, trashKey, type KeptFile, type Operation } from "./trash-record.js";

/** Holds every `_metadata` that can be written. */
const METADATA_END_BYTES = 64 * 1024;

export class KeptFiles {
  readonly #storage: Storage;
  readonly #keeps: boolean;

  /** Where nothing is kept, no copies are made. */
  constructor(storage: Storage, keeps: boolean) {
    this.#storage = storage;
    this.#keeps = keeps;
  }

  /** False where the file is gone already. */
  async take(stamp: string, file: KeptFile, guard: Lock): Promise<boolean> {
    return this.#storage.move(file, trashKey(stamp, file), guard);
  }

  /** What a file held before the operation changes it. Durable when it resolves. */
  async keep(stamp: string, file: KeptFile, content: Content, guard: Lock): Promise<void> {
    if (this.#keeps) await createInTrash(this.#storage, trashKey(stamp, file), content, guard);
  }

  /** Copies of those of the files that are there; gives these. */
  async keepCopies(stamp: string, files: readonly KeptFile[], guard: Lock): Promise<KeptFile[]> {
    const kept: KeptFile[] = [];
    for (const file of files) {
      const bytes = await this.#storage.read(file, { maxBytes: MAX_FILE_BYTES });
      if (bytes === undefined) continue;
      await this.keep(stamp, file, bytes, guard);
      kept.push(file);
    }
    return kept;
  }

  /** Whether the files are what the operation kept copies of; `gone` where a copy is no longer there, and nothing can be told or undone. */
  async compare({ stamp, files }: Operation): Promise<"unchanged" | "changed" | "gone"> {
    const copies = await Promise.all(files.map((file) => this.#storage.stat(trashKey(stamp, file))));
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

  /** Of a removal: whether all its files are in the trash, and none of them stands in its place, as it was or further on. */
  async tookAll(operation: Operation): Promise<boolean> {
    const { stamp, files } = operation;
    for (const file of files) {
      if ((await this.#storage.stat(trashKey(stamp, file))) === undefined) return false;
      if ((await this.#place(stamp, file)) === "same" || (await this.isContinued(operation, file))) return false;
    }
    return true;
  }

  /** Whether the file is a snapshot, and what has its name now is the same conversation, further on. */
  async isContinued({ conversationId, stamp }: Operation, file: KeptFile): Promise<boolean> {
    if (file.area !== "state" || file.name !== snapshotKey(conversationId).name) return false;
    const [kept, present] = await Promise.all(
      [trashKey(stamp, file), file].map(async (key) => this.#snapshotIn(key, conversationId)),
    );
    if (kept === undefined || present === undefined) return false;
    return kept.createdAt === present.createdAt && kept.revision < present.revision;
  }

  async #snapshotIn(key: Key, conversationId: string): Promise<Metadata | undefined> {
    const bytes = await this.#storage.read(key, { maxBytes: MAX_FILE_BYTES });
    const decoded = bytes === undefined ? undefined : decodeSnapshot(bytes, conversationId);
    return decoded?.kind === "valid" ? decoded.metadata : undefined;
  }

  /** Throws `STORAGE` before anything moves where another file has taken a name: an id that was used again, say. */
  async assertRoomFor(operation: Operation): Promise<void> {
    for (const file of operation.files)
      if ((await this.#place(operation.stamp, file)) === "taken" && !(await this.isContinued(operation, file)))
        throw this.taken(file);
  }

  /** Puts a file back under its name; false where it is back. Safe to repeat after a crash. Throws `STORAGE` where another file has taken the name. */
  async putBack(stamp: string, file: KeptFile, guard: Lock): Promise<boolean> {
    const from = trashKey(stamp, file);
    switch (await this.#place(stamp, file)) {
      case "free":
        return this.#storage.move(from, file, guard);
      case "same":
        return this.#storage.remove(from, guard);
      case "taken":
        throw this.taken(file);
    }
  }

  /** Names a way out that overwrites nothing. */
  taken(file: KeptFile): DraftstateError {
    const path = this.#storage.describe(file);
    return new DraftstateError(
      "STORAGE",
      `${path} exists again, nothing was put back: remove its conversation with manager.remove(id), then choose what to undo with manager.undo(id, { at })`,
      { path },
    );
  }

  /** Undefined where it is gone. Throws `STORAGE` where all of the trash is. */
  async readCopy(stamp: string, file: KeptFile): Promise<Uint8Array | undefined> {
    const bytes = await this.#storage.read(trashKey(stamp, file), { maxBytes: MAX_FILE_BYTES });
    if (bytes === undefined) await assertTrashInReach(this.#storage);
    return bytes;
  }

  async #place(stamp: string, file: KeptFile): Promise<"free" | "same" | "taken"> {
    const [kept, present] = [await this.#storage.stat(trashKey(stamp, file)), await this.#storage.stat(file)];
    if (kept === undefined || present === undefined) return "free";
    if (kept.size !== present.size) return "taken";
    const [ours, theirs] = [await this.#storage.read(trashKey(stamp, file)), await this.#storage.read(file)];
    return ours === undefined || theirs === undefined || Buffer.from(ours).equals(theirs) ? "same" : "taken";
  }
}

/** Throws `STORAGE` where the name is taken: two operations drew one stamp. */
export async function createInTrash(storage: Storage, key: Key, content: Content, guard: Lock): Promise<void> {
  if (await storage.create(key, content, guard)) return;
  const path = storage.describe(key);
  throw new DraftstateError("STORAGE", `${path} exists already: run the command again`, { path });
}

/** The highest revision of the conversation's snapshots in the trash; 0 if the trash has no snapshot of it. */
export async function lastInTrash(storage: Storage, id: string): Promise<number> {
  const file: KeptFile = { area: "state", name: snapshotKey(id).name };
  const stamps = (await storage.list("trash")).flatMap((name) => {
    const stamp = stampOf(name);
    return stamp !== undefined && name === trashKey(stamp, file).name ? [stamp] : [];
  });
  const ends = await storage.readEnds(
    stamps.map((stamp) => trashKey(stamp, file)),
    METADATA_END_BYTES,
  );
  const revisions = stamps.map((stamp, index) => {
    const end = ends[index];
    const revision = (end === undefined ? undefined : decodeMetadataEnd(end.bytes))?.revision ?? 0;
    return implausible({ revision, at: timeOfStamp(stamp).getTime() }) === undefined ? revision : 0;
  });
  return Math.max(0, ...revisions);
}
