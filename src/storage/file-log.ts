/**
 * A log in a file that only the holder of a lock writes. The lock is looked at after the bytes are in the file and before
 * the call resolves: a process that took the lock over meanwhile and read the log has read all that was acknowledged.
 */
import type { OpenFile } from "./file-system.js";
import type { Log } from "./storage.js";

export class FileLog implements Log {
  constructor(
    private readonly file: OpenFile,
    /** Rejects with `LOCKED` once the lock is lost. */
    private readonly check: () => Promise<void>,
  ) {}

  async append(bytes: Uint8Array): Promise<void> {
    await this.file.write(bytes);
    await this.check();
  }

  async appendDurably(bytes: Uint8Array): Promise<void> {
    await this.file.write(bytes);
    await this.sync();
  }

  async sync(): Promise<void> {
    const [synced, checked] = await Promise.allSettled([this.file.sync(), this.check()]);
    // The lock first: a log that another holder replaced cannot be synced either.
    if (checked.status === "rejected") throw checked.reason;
    if (synced.status === "rejected") throw synced.reason;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
