/**
 * Where the state goes while the state directory cannot be written: whole, into another store, at each save. The next
 * save tries the state directory first, and the next open folds back what is newer there. Never silent: each way has its event.
 */
import { messageOf } from "../errors.js";
import { isStreaming, metadataOf, type Version } from "../model/conversation.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { decodeSnapshot, type Decoded } from "../snapshot/decode.js";
import type { Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import type { ManagerEmitter } from "../store/events.js";
import { conversationIds, snapshotKey } from "../store/names.js";
import { versionOf, withInterruption } from "../store/read.js";

export interface FallbackOptions {
  readonly storage: Storage;
  readonly directory: string;
  readonly events: ManagerEmitter;
  readonly now: () => Date;
}

export class Fallback {
  readonly #active = new Set<string>();

  constructor(private readonly options: FallbackOptions) {}

  get storage(): Storage {
    return this.options.storage;
  }

  /** Durable when it resolves. `cause` is why it is needed. */
  async save(id: string, version: Version, cause: unknown): Promise<void> {
    const { storage, events, now, directory } = this.options;
    await storage.prepare();
    await storage.replace(snapshotKey(id), new SnapshotParts(version.state, metadataOf(version, id, now().toISOString())));
    if (this.#active.has(id)) return;
    this.#active.add(id);
    events.emit("fallback", { conversationId: id, active: true, directory, error: cause });
  }

  /** The state directory holds everything again. What lies here is the same or older, and goes. */
  async done(id: string): Promise<void> {
    const { storage, events, directory } = this.options;
    const removed = await storage.remove(snapshotKey(id)).catch((error: unknown) => {
      events.emit("warning", { conversationId: id, message: `${storage.describe(snapshotKey(id))} could not be removed: ${messageOf(error)}`, error });
      return false;
    });
    if (this.#active.delete(id) || removed) events.emit("fallback", { conversationId: id, active: false, directory });
  }

  /** Clears away what a dead writer left unfinished here, unless someone alive writes it. For a writer that holds the lock. */
  async sweep(id: string): Promise<void> {
    const { storage } = this.options;
    if (!(await storage.exists()) || (await storage.lockHolder(id)) !== undefined) return;
    await storage.sweep(id);
  }

  async find(id: string): Promise<Extract<Decoded, { kind: "valid" }> | undefined> {
    const bytes = await this.options.storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
    const decoded = bytes === undefined ? undefined : decodeSnapshot(bytes, id);
    return decoded?.kind === "valid" ? decoded : undefined;
  }

  /** What lies here, an answer that its writer did not end interrupted. */
  async version(id: string): Promise<Version | undefined> {
    const found = await this.find(id);
    if (found === undefined) return undefined;
    const version = versionOf(found);
    return isStreaming(version.state) ? withInterruption(version, found.metadata.savedAt) : version;
  }

  async ids(): Promise<string[]> {
    return conversationIds(await this.options.storage.list("state"));
  }
}
