/**
 * Whose a directory of backups is: a mark in it names the state directory, relative to it, so that the two may move or be
 * copied together. Another store that names the directory too is refused as long as the marked one exists: names of
 * backups do not tell two stores apart, and one would recover, list and remove what is the other's.
 */
import { join, relative, resolve } from "node:path";
import { DraftstateError, isDraftstateError, systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { unguarded, type FileWriter } from "./file-writer.js";

const NAME = ".draftstate-owner";
const MAX_BYTES = 8192;

export interface BackupOwnerOptions {
  readonly fs: FileSystem;
  readonly writer: FileWriter;
  /** Links followed, as far as there is anything. */
  readonly stateDir: string;
  readonly backupDir: string;
  readonly realDirectory: (path: string) => string;
  /** What is there once a store was begun in a state directory. */
  readonly internal: (stateDir: string) => string;
}

export class BackupOwner {
  #checked: Promise<void> | undefined;

  constructor(private readonly options: BackupOwnerOptions) {}

  /** Rejects with `INVALID_CONFIG` where the backups are another store's. Looked at once. */
  check(): Promise<void> {
    const checked = (this.#checked ??= this.#assertFree());
    // What could not be looked at now is looked at again.
    checked.catch(() => (this.#checked = undefined));
    return checked;
  }

  /** The directory is there: it is this store's from now on. Where no mark can be written, the next to begin tries again. */
  async claim(): Promise<void> {
    const marked = await this.#marked();
    if (marked === this.#own()) return;
    await this.#write(marked === undefined).catch((error: unknown) => {
      if (isDraftstateError(error, "INVALID_CONFIG")) throw error;
    });
  }

  async #write(isNew: boolean): Promise<void> {
    const { writer } = this.options;
    const content = Buffer.from(`${JSON.stringify({ stateDir: this.#own() })}\n`);
    if (isNew && (await writer.create(this.#path, content, unguarded(this.#path)))) return;
    // Of another that began at the same moment, or damaged.
    await this.#assertFree();
    await writer.replace(this.#path, content, unguarded(this.#path));
  }

  async #assertFree(): Promise<void> {
    const marked = await this.#marked();
    const { stateDir, backupDir } = this.options;
    if (marked === undefined || marked === this.#own()) return;
    const other = resolve(this.#directory, marked);
    if (!(await this.#isOther(other))) return;
    throw new DraftstateError(
      "INVALID_CONFIG",
      `${backupDir} holds the backups of ${other}: give ${stateDir} a backupDir of its own; if ${other} is no longer used, remove ${this.#path}`,
      { path: "backupDir" },
    );
  }

  /** A store that was begun, at another place than this one. */
  async #isOther(stateDir: string): Promise<boolean> {
    const { fs, internal } = this.options;
    try {
      const found = await fs.stat(internal(stateDir));
      if (found === undefined) return false;
      // One directory under two paths, as with a mount.
      return found.inode !== (await fs.stat(internal(this.options.stateDir)))?.inode;
    } catch (error) {
      // What may not be looked at may be there.
      return systemErrorCode(error) !== "ENOTDIR";
    }
  }

  get #directory(): string {
    return this.options.realDirectory(resolve(this.options.backupDir));
  }

  get #path(): string {
    return join(this.options.backupDir, NAME);
  }

  #own(): string {
    return relative(this.#directory, this.options.stateDir);
  }

  /** Undefined where there is no mark, or one that says nothing. */
  async #marked(): Promise<string | undefined> {
    try {
      const file = await this.options.fs.openForReading(this.#path);
      try {
        return stateDirIn(Buffer.from(await file.read(0, MAX_BYTES)).toString());
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }
}

function stateDirIn(mark: string): string | undefined {
  try {
    const parsed = JSON.parse(mark) as unknown;
    if (typeof parsed !== "object" || parsed === null || !("stateDir" in parsed)) return undefined;
    return typeof parsed.stateDir === "string" ? parsed.stateDir : undefined;
  } catch {
    return undefined;
  }
}
