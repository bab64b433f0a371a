/**
 * Lock files on disk. A record is written aside, synced and then given its name, so that a lock is complete from its
 * first moment.
 *
 * Where the file system has no hard links the lock is created under its name and then written. It is still exclusive,
 * but a contender may find it empty for a moment, and it stays so if its writer is killed in that moment: it is then
 * refused as unreadable, with its path, and a person has to remove it.
 */
import { basename, join } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { encodeRecord, parseRecord, type LockRecord } from "./lock-record.js";
import { linkIfFree, linksAreMissing } from "./take-free-name.js";

const MAX_LOCK_BYTES = 16 * 1024;

export type Found =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly record: LockRecord; readonly identity: string }
  | { readonly kind: "unreadable"; readonly detail: string };

/** A record under a name of its own. */
export interface Aside {
  readonly path: string;
  readonly identity: string;
}

export class LockFiles {
  constructor(
    private readonly fs: FileSystem,
    readonly directory: string,
    private readonly randomName: () => string,
  ) {}

  pathOf(name: string): string {
    return join(this.directory, `${name}.lock`);
  }

  async look(path: string): Promise<Found> {
    const stat = await this.fs.stat(path);
    if (stat === undefined) return { kind: "free" };
    if (stat.kind !== "file") return { kind: "unreadable", detail: `is a ${stat.kind}, not a lock file` };
    try {
      const file = await this.fs.openForReading(path);
      try {
        // Its own size: the lock may have been replaced by a longer one since `stat`.
        const { size, identity } = await file.info();
        if (size > MAX_LOCK_BYTES) return { kind: "unreadable", detail: "is too large for a lock file" };
        const record = parseRecord(await file.read(0, size));
        return record === undefined
          ? { kind: "unreadable", detail: "is not a lock file of draftstate" }
          : { kind: "held", record, identity };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return { kind: "free" };
      throw error;
    }
  }

  /** The record is aside while `use` runs. */
  async withRecordAside<T>(name: string, record: LockRecord, use: (aside: Aside) => Promise<T>): Promise<T> {
    const path = this.#aside(name, record.nonce);
    try {
      return await use({ path, identity: await this.#write(path, record) });
    } finally {
      // A failing clean-up must not hide that the lock was acquired: no caller would know of it.
      await this.unlink(path).catch(() => undefined);
    }
  }

  /** The identity of the lock file; undefined where there is one already. */
  async take(path: string, record: LockRecord, aside: Aside): Promise<string | undefined> {
    try {
      return (await linkIfFree(this.fs, aside.path, path)) ? aside.identity : undefined;
    } catch (error) {
      if (!linksAreMissing(error, aside.path, path)) throw error;
    }
    try {
      return await this.#write(path, record);
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST") return undefined;
      throw error;
    }
  }

  /** Only for the one who may: the holder of the claim on the lock that is there. */
  async replace(path: string, name: string, record: LockRecord): Promise<string> {
    const aside = this.#aside(name, this.randomName());
    const identity = await this.#write(aside, record);
    try {
      await this.fs.rename(aside, path);
    } catch (error) {
      await this.unlink(aside).catch(() => undefined);
      throw error;
    }
    return identity;
  }

  /** False where there is nothing, be it that the directory has gone away with it. */
  async unlink(path: string): Promise<boolean> {
    try {
      await this.fs.unlink(path);
      return true;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      return false;
    }
  }

  list(): Promise<string[]> {
    return this.fs.list(this.directory);
  }

  async identityOf(path: string): Promise<string | undefined> {
    return (await this.fs.stat(path))?.identity;
  }

  #aside(name: string, random: string): string {
    return join(this.directory, `.tmp-${random}-${name}`);
  }

  /** A new file; leaves nothing where it fails. */
  async #write(path: string, record: LockRecord): Promise<string> {
    const file = await this.fs.createFile(path);
    try {
      try {
        await file.write(encodeRecord(record));
        // A lock must not come back empty after power loss: one that cannot be read may not be broken.
        await file.sync();
        return (await file.info()).identity;
      } finally {
        await file.close();
      }
    } catch (error) {
      await this.unlink(path).catch(() => undefined);
      throw error;
    }
  }
}

/** Whether an entry of the directory is a record that was written aside for the lock of this name. */
export function isAside(name: string, entry: string): boolean {
  return /^\.tmp-[A-Za-z0-9]+-(.+)$/s.exec(entry)?.[1] === name;
}

/** The nonces in a claim's file name, outermost first; undefined for another file, such as the lock of an id like `a.lock`. */
export function claimedNonces(name: string, entry: string): readonly string[] | undefined {
  const prefix = `${name}.lock.`;
  if (!entry.startsWith(prefix)) return undefined;
  const nonces = entry.slice(prefix.length).split(".");
  return nonces.every((nonce) => /^[A-Za-z0-9]+$/.test(nonce) && nonce !== "lock") ? nonces : undefined;
}

/** The name of the lock in a file; undefined for claims, records aside and reservations. */
export function lockNameOf(path: string): string | undefined {
  return /^(?!\.)(.+)\.lock$/s.exec(basename(path))?.[1];
}
