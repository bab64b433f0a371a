/**
 * A namespace's files as they are written, under its lock. One loop: what arrives while a batch is written is the next one, so
 * many changes share one sync. A batch is acknowledged, and seen by readers here, after it is durable. When the journal would
 * outgrow the snapshot, the batch goes into a new snapshot instead, which is durable before a new journal takes the old one's
 * place. After a failed append that file is never written again. Where the server no longer has what the journal would continue,
 * all goes into a snapshot too.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { applyChange, withoutExpired, type ItemChange, type Items, type StoredItem } from "../items/item.js";
import {
  encodeChanges,
  encodeItem,
  encodeItemsEnd,
  encodeJournalHeader,
  encodeSnapshotHeader,
  type ChangesRecord,
  type Labels,
} from "../items/record.js";
import type { Lock, Log, Standing } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { changesKey, itemsKey } from "../store/item-names.js";
import { warn, type Store } from "../store/store.js";
import type { LoadedNamespace } from "./load.js";

/** A journal that is no larger is not worth a snapshot. */
const SMALL = 64 * 1024;

export interface NamespaceLogOptions {
  readonly store: Store;
  readonly name: string;
  readonly labels: Labels;
  readonly lock: Lock;
  readonly loaded: LoadedNamespace;
}

/** Changes, or what makes them of the items as they are once all that was asked before is written. */
export type Change = readonly ItemChange[] | ((items: Items) => readonly ItemChange[]);

interface Waiting {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Batch = Omit<ChangesRecord, "kind">;

/** Nothing was written: the log was closed before. */
export class LogClosed extends Error {}

export class NamespaceLog {
  #items: Map<string, StoredItem>;
  #revision: number;
  /** The revision of the snapshot that the journal follows, and the size of both. */
  #base: number;
  /** That snapshot's version, in a storage that may go back; undefined without a snapshot, or where its version could not be read. */
  #standing: string | undefined;
  /** Of the snapshots before it. */
  readonly #replaced = new Set<string | undefined>();
  #snapshotBytes: number;
  #journalBytes = 0;
  /** What a new journal begins with. */
  #tail: Uint8Array;
  #log: Log | undefined;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(private readonly options: NamespaceLogOptions) {
    const { items, revision, snapshotRevision, snapshotBytes, tail, versions } = options.loaded;
    this.#items = items;
    this.#revision = revision;
    this.#base = snapshotRevision;
    this.#standing = versions[0];
    this.#snapshotBytes = snapshotBytes;
    this.#tail = tail;
  }

  /** What is durable. */
  get items(): Items {
    return this.#items;
  }

  /** Undefined while it can be written. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when the changes are durable, all of them or none. */
  write(change: Change): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure));
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Waits for what is being written; all of it is durable then, and the journal says so. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#failure ??= new LogClosed();
    const log = this.#log;
    if (log === undefined) return;
    this.#log = undefined;
    try {
      await log.sync();
      await log.append(Buffer.from(encodeItemsEnd(), "utf8"));
    } catch (error) {
      this.#warn("the end of its journal could not be written", error);
      if (this.#mayBeGone(error)) await this.#fold([]);
    } finally {
      await log.close().catch(() => undefined);
      await this.#abandon();
    }
  }

  async #drain(): Promise<void> {
    // What is asked in the same turn of the event loop shares a sync.
    await Promise.resolve();
    for (let waiting = this.#take(); waiting.length > 0; waiting = this.#take()) {
      try {
        await this.#commit(waiting.map(({ change }) => (typeof change === "function" ? change(this.#items) : change)));
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        this.#failure = error;
        for (const { reject } of [...waiting, ...this.#queue.splice(0)]) reject(asError(error));
      }
    }
    this.#running = undefined;
  }

  /** What is made of the items comes first in its batch: those before it are written by then. */
  #take(): Waiting[] {
    const made = this.#queue.findIndex(({ change }, index) => index > 0 && typeof change === "function");
    return this.#queue.splice(0, made === -1 ? this.#queue.length : made);
  }

  async #commit(groups: readonly (readonly ItemChange[])[]): Promise<void> {
    const at = this.options.store.now().getTime();
    const batches = groups.map((changes, index) => ({ revision: this.#revision + 1 + index, at, changes }));
    const bytes = Buffer.concat(batches.map((batch) => Buffer.from(encodeChanges(batch), "utf8")));
    if (this.#mustFold(bytes.length)) return this.#fold(batches);
    if (!(await this.#written(bytes))) return this.#fold(batches);
    this.#journalBytes += bytes.length;
    for (const { changes } of batches) for (const change of changes) applyChange(this.#items, change, at);
    this.#revision += batches.length;
  }

  /** False where all of it is to be written anew. */
  async #written(bytes: Uint8Array): Promise<boolean> {
    if (this.#log !== undefined) return this.#append(this.#log, bytes);
    try {
      await this.#begin(bytes);
      return true;
    } catch (error) {
      if (!this.#mayBeGone(error)) throw error;
      this.#warn("its journal could not be begun: all of it goes to a new snapshot", error);
      return false;
    }
  }

  /** What is held here may not be on a server that took over. */
  #mayBeGone(error: unknown): boolean {
    return this.options.store.storage.mayGoBack === true && isDraftstateError(error, "STORAGE");
  }

  #mustFold(added: number): boolean {
    const bytes = this.#log === undefined ? this.#tail.length : this.#journalBytes;
    return bytes + added > Math.max(SMALL, this.#snapshotBytes);
  }

  /** A new journal, with what the old one holds and the snapshot does not. */
  async #begin(bytes: Uint8Array): Promise<void> {
    const { store, name, labels, lock } = this.options;
    const header = Buffer.from(encodeJournalHeader({ namespace: labels, base: this.#base }), "utf8");
    const content = Buffer.concat([header, this.#tail, bytes]);
    this.#log = await store.storage.createLog(changesKey(name), content, lock, this.#continued());
    this.#journalBytes = content.length - bytes.length;
    this.#tail = new Uint8Array();
  }

  #continued(): Standing | undefined {
    return this.#base === 0 ? undefined : { key: itemsKey(this.options.name), version: this.#standing ?? "" };
  }

  /** False where it failed: how much of it is there is not known. */
  async #append(log: Log, bytes: Uint8Array): Promise<boolean> {
    try {
      if (this.options.store.settings.durability === "strict") await log.appendDurably(bytes);
      else await log.append(bytes);
      return true;
    } catch (error) {
      this.#log = undefined;
      await log.close().catch(() => undefined);
      if (isDraftstateError(error, "LOCKED")) throw error;
      this.#warn("its journal could not be written: all of it goes to a new snapshot", error);
      return false;
    }
  }

  async #fold(batches: readonly Batch[]): Promise<void> {
    const { store, name, lock } = this.options;
    const items = new Map(this.#items);
    for (const { changes, at } of batches) for (const change of changes) applyChange(items, change, at);
    const kept = withoutExpired(items, store.now().getTime());
    const revision = this.#revision + batches.length;
    const content = this.#snapshotOf(kept, revision);
    await store.storage.replace(itemsKey(name), content, lock);
    [this.#items, this.#revision, this.#base] = [kept, revision, revision];
    this.#snapshotBytes = content.length;
    await this.#lookAtSnapshot();
    await this.#beginAnew();
  }

  /** A version that was replaced is back where the server went back: nothing continues it. */
  async #lookAtSnapshot(): Promise<void> {
    const { storage } = this.options.store;
    if (storage.mayGoBack !== true) return;
    this.#replaced.add(this.#standing);
    const stat = await storage.stat(itemsKey(this.options.name)).catch(() => undefined);
    this.#standing = this.#replaced.has(stat?.version) ? undefined : stat?.version;
  }

  /** Throws `INVALID_STATE` for what could not be read back. */
  #snapshotOf(items: Items, revision: number): Buffer {
    const { labels } = this.options;
    const parts = [encodeSnapshotHeader({ namespace: labels, revision, count: items.size })];
    for (const [key, item] of items) parts.push(encodeItem(key, item));
    const content = Buffer.concat(parts.map((part) => Buffer.from(part, "utf8")));
    if (content.length <= MAX_FILE_BYTES) return content;
    throw new DraftstateError(
      "INVALID_STATE",
      `namespace ${JSON.stringify(labels)} would have ${content.length} bytes, more than the limit of ${MAX_FILE_BYTES}: nothing was saved; use more namespaces`,
    );
  }

  /** What the snapshot holds is skipped, so an old journal that stays is harmless. */
  async #beginAnew(): Promise<void> {
    await this.#abandon();
    this.#tail = new Uint8Array();
    await this.#begin(new Uint8Array()).catch((error: unknown) => {
      this.#warn("its journal could not be begun anew; what it holds is skipped when read", error);
    });
  }

  async #abandon(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close().catch(() => undefined);
  }

  #warn(what: string, error: unknown): void {
    const { store, name } = this.options;
    warn(store, name, `namespace ${name}: ${what}: ${messageOf(error)}`, error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new DraftstateError("STORAGE", messageOf(error));
}
