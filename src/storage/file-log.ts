/**
 * A log in a file that only the holder of a lock writes. The lock is looked at after the bytes are in the file and before
 * the call resolves: a process that took the lock over meanwhile and read the log has read all that was acknowledged. So is the
 * log's name: what is in a file that was removed, moved away or replaced is found by nobody, whatever other names it has.
 */
import type { FileStat, OpenFile } from "./file-system.js";
import type { Log } from "./storage.js";

export interface FileLogOptions {
  readonly file: OpenFile;
  /** Rejects with `LOCKED` once the lock is lost. */
  readonly check: () => Promise<void>;
  /** Of what has the log's name; undefined where nothing has. */
  readonly statOfName: () => Promise<FileStat | undefined>;
}

export class FileLog implements Log {
  #inode: string | undefined;

  constructor(private readonly options: FileLogOptions) {}

  async append(bytes: Uint8Array): Promise<void> {
    await this.options.file.write(bytes);
    await this.#settled([this.#assertNamed()]);
  }

  async appendDurably(bytes: Uint8Array): Promise<void> {
    await this.options.file.write(bytes);
    await this.sync();
  }

  async sync(): Promise<void> {
    await this.#settled([this.options.file.sync(), this.#assertNamed()]);
  }

  close(): Promise<void> {
    return this.options.file.close();
  }

  /** The lock first: a log that another holder replaced has lost its name, too. */
  async #settled(acts: readonly Promise<void>[]): Promise<void> {
    for (const outcome of await Promise.allSettled([this.options.check(), ...acts]))
      if (outcome.status === "rejected") throw outcome.reason;
  }

  async #assertNamed(): Promise<void> {
    const { file, statOfName } = this.options;
    const named = await statOfName();
    if (named === undefined) throw namelessError();
    if (named.inode === this.#inode) return;
    const own = await file.info();
    // Some file systems number files anew: there the file is known by its size and its time.
    const isAlike = named.size === own.size && named.modifiedAt.getTime() === own.modifiedAt.getTime();
    if (named.inode !== own.inode && !isAlike) throw namelessError();
    this.#inode = named.inode;
  }
}

function namelessError(): Error {
  return Object.assign(new Error("the file has lost its name"), { code: "ENOENT" });
}
