/**
 * One conversation's journal on disk: begun with its header and its first batch, then one append a batch, with a sync where it is told so.
 * After any failure the file is spent, since the kernel may have marked unwritten pages clean: it is never synced again.
 * While a snapshot is written the journal continues; what came meanwhile is all that the next journal begins with.
 */
import { encodeHeader, encodeRecord, type JournalHeader, type JournalRecord } from "../journal/record.js";
import type { Key, Lock, Log, Standing, Storage } from "../storage/storage.js";

export interface JournalWriterOptions {
  readonly storage: Storage;
  readonly key: Key;
  readonly lock: Lock;
  /** The snapshot that a journal begun now continues. */
  readonly continues: () => Standing | undefined;
}

export class JournalWriter {
  #log: Log | undefined;
  #bytes = 0;
  /** Batches written since the snapshot under way was begun. */
  #behindSnapshot: Buffer[] | undefined;

  constructor(private readonly options: JournalWriterOptions) {}

  /** Bytes in the journal since it was begun. */
  get bytes(): number {
    return this.#bytes;
  }

  static encode(records: readonly JournalRecord[]): Buffer {
    return Buffer.from(records.map(encodeRecord).join(""), "utf8");
  }

  /** Durable when it resolves, with all before it (if `isSynced`). Rejects with `LOCKED` once the lock is lost. */
  async write(batch: Buffer, isSynced: boolean, header: () => JournalHeader): Promise<void> {
    const log = this.#log;
    if (log === undefined) await this.#begin(header(), [batch]);
    else {
      await (isSynced ? log.appendDurably(batch) : log.append(batch));
      this.#bytes += batch.length;
    }
    this.#behindSnapshot?.push(batch);
  }

  /** Whether anything was written since the snapshot under way was begun. */
  get continuesBehindSnapshot(): boolean {
    return (this.#behindSnapshot ?? []).length > 0;
  }

  /** A snapshot of all that was written so far is about to be made. */
  snapshotBegins(): void {
    this.#behindSnapshot = [];
  }

  snapshotFailed(): void {
    this.#behindSnapshot = undefined;
  }

  /** The snapshot is durable: its records go (I3). Where others came meanwhile, a journal of these alone takes the name, in one step. */
  async snapshotTaken(header: JournalHeader): Promise<void> {
    const behind = this.#behindSnapshot ?? [];
    this.#behindSnapshot = undefined;
    if (behind.length === 0) return this.drop();
    await this.abandon();
    await this.#begin(header, behind);
  }

  /** The snapshot holds everything: the file goes, and comes back harmless if a crash undoes that (I3). */
  async drop(): Promise<void> {
    await this.abandon();
    await this.options.storage.remove(this.options.key, this.options.lock);
  }

  /** Closes the file and leaves it to recovery. */
  async abandon(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    this.#bytes = 0;
    this.#behindSnapshot = undefined;
    await log?.close().catch(() => undefined);
  }

  async #begin(header: JournalHeader, batches: readonly Buffer[]): Promise<void> {
    const { storage, key, lock, continues } = this.options;
    const first = Buffer.concat([Buffer.from(encodeHeader(header), "utf8"), ...batches]);
    this.#log = await storage.createLog(key, first, lock, continues());
    this.#bytes = first.length;
  }
}
