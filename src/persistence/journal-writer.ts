/**
 * One conversation's journal on disk: created with its header when the first batch comes, one append and one sync a
 * batch. After any failure the file is spent, since the kernel may have marked unwritten pages clean: it is never synced again.
 */
import { encodeHeader, encodeRecord, type JournalHeader, type JournalRecord } from "../journal/record.js";
import type { Key, Log, Storage } from "../storage/storage.js";

export class JournalWriter {
  #log: Log | undefined;
  #bytes = 0;

  constructor(
    private readonly storage: Storage,
    private readonly key: Key,
    private readonly syncEachBatch: boolean,
  ) {}

  /** Bytes in the journal since it was begun. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Durable when it resolves (with `syncEachBatch`). Returns the bytes written. */
  async write(records: readonly JournalRecord[], header: () => JournalHeader): Promise<number> {
    const beginning = this.#log === undefined;
    const log = this.#log ?? (this.#log = await this.storage.createLog(this.key));
    const bytes = Buffer.from((beginning ? encodeHeader(header()) : "") + records.map(encodeRecord).join(""), "utf8");
    await log.append(bytes);
    if (this.syncEachBatch) await log.sync();
    this.#bytes += bytes.length;
    return bytes.length;
  }

  /** The snapshot holds everything: the file goes, and comes back harmless if a crash undoes that (I3). */
  async drop(): Promise<void> {
    await this.abandon();
    await this.storage.remove(this.key);
  }

  /** Lets go of the file and leaves it to recovery. */
  async abandon(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    this.#bytes = 0;
    await log?.close().catch(() => undefined);
  }
}
