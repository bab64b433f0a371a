/**
 * Writes files that readers see whole or not at all, also after a crash. A file is written aside (`.tmp-{random}-{lock}`),
 * synced, and takes its name in one step; the directory is synced after. What a killed process leaves aside is swept by
 * the next holder of that lock.
 */
import { basename, dirname, join } from "node:path";
import { DraftstateError, systemErrorCode } from "../errors.js";
import type { FileSystem, OpenFile } from "./file-system.js";
import type { Content } from "./storage.js";
import { takeFreeName, type FreeName, type TakenName } from "./take-free-name.js";

const COPIED_AT_ONCE_BYTES = 256 * 1024;
const ASIDE = /^\.tmp-[A-Za-z0-9]+-(.+)$/s;

export interface FileWriterOptions {
  readonly fs: FileSystem;
  readonly randomName: () => string;
  /** Runs the act while no other writer creates this file. Used where there are no hard links. */
  readonly alone: <T>(path: string, act: () => Promise<T>) => Promise<T>;
}

export interface Permission {
  /** The lock that is held, or the file's own name. */
  readonly name: string;
  /** Rejects once the change is not allowed any more. */
  readonly check: () => Promise<void>;
}

/** For whom a file was written aside; undefined for other files. */
export function nameAside(entry: string): string | undefined {
  return ASIDE.exec(entry)?.[1];
}

export class FileWriter {
  /** Files of ours that were to go, and could not: their directory went away in the middle of a write. */
  readonly #left = new Set<string>();

  constructor(private readonly options: FileWriterOptions) {}

  /** What was left aside by writes that are over, where its directory is back. */
  async removeLeft(): Promise<void> {
    for (const path of this.#left)
      if (await this.options.fs.hasDirectory(dirname(path)).catch(() => false)) await this.#removeAside(path);
  }

  /** Whether some of it was written for the holder of this lock, and is out of reach still. */
  hasLeft(name: string): boolean {
    return [...this.#left].some((path) => nameAside(basename(path)) === name);
  }

  async replace(path: string, content: Content, { name, check }: Permission): Promise<void> {
    const { fs } = this.options;
    await this.withFileAside(dirname(path), name, content, async (aside) => {
      await check();
      await fs.rename(aside, path);
      await fs.syncDirectory(dirname(path));
    });
  }

  async create(path: string, content: Content, { name, check }: Permission): Promise<boolean> {
    return this.withFileAside(
      dirname(path),
      name,
      content,
      async (aside) => (await this.#takeDurably(aside, path, check, () => this.unlink(aside))) !== "taken",
    );
  }

  /** False where there is nothing under `from`. */
  async move(from: string, to: string, permission: Permission): Promise<boolean> {
    const { fs } = this.options;
    const taken = await this.#takeDurably(from, to, permission.check).catch(
      async (error: unknown): Promise<TakenName | undefined> => {
        const code = systemErrorCode(error);
        // A missing target directory is ENOENT too, and no reason to say that there is nothing to move.
        if (code === "ENOENT" && (await fs.stat(from)) === undefined) return undefined;
        if (code !== "EXDEV") throw error;
        return this.#copy(from, to, permission);
      },
    );
    if (taken === undefined || (taken === "taken" && (await fs.stat(from)) === undefined)) return false;
    if (taken === "taken") throw new DraftstateError("STORAGE", `${to} exists already`, { path: to });
    if (taken === "linked") await this.#unlinkSource(from, to);
    await fs.syncDirectory(dirname(from));
    return true;
  }

  /** A new file in place of what has the name, open for appending. */
  async replaceOpen(path: string, first: Uint8Array, { name, check }: Permission): Promise<OpenFile> {
    const { fs } = this.options;
    await this.removeLeft();
    const aside = this.#aside(dirname(path), name);
    const file = await fs.createFile(aside);
    try {
      await file.write(first);
      await file.sync();
      await check();
      await fs.rename(aside, path);
      await fs.syncDirectory(dirname(path));
      return file;
    } catch (error) {
      await file.close().catch(() => undefined);
      await this.#removeAside(aside);
      throw error;
    }
  }

  async withFileAside<T>(
    directory: string,
    name: string,
    content: Content,
    take: (aside: string) => Promise<T>,
  ): Promise<T> {
    const { fs } = this.options;
    await this.removeLeft();
    const aside = this.#aside(directory, name);
    const file = await fs.createFile(aside);
    try {
      try {
        await writeContent(file, content);
        await file.sync();
      } finally {
        await file.close();
      }
      return await take(aside);
    } finally {
      await this.#removeAside(aside);
    }
  }

  /** After a rename there is nothing left aside; a failing clean-up must not hide the outcome. */
  async #removeAside(path: string): Promise<void> {
    if (await this.#isGone(path).catch(() => false)) this.#left.delete(path);
    else this.#left.add(path);
  }

  /** It may be there and not be found, in a directory that was away and is back: then it is looked for once more. */
  async #isGone(path: string): Promise<boolean> {
    if (await this.unlink(path)) return true;
    if (!(await this.options.fs.hasDirectory(dirname(path)))) return false;
    await this.unlink(path);
    return true;
  }

  /** False where there is nothing. */
  async unlink(path: string): Promise<boolean> {
    try {
      await this.options.fs.unlink(path);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  #aside(directory: string, name: string): string {
    return join(directory, `.tmp-${this.options.randomName()}-${name}`);
  }

  /** A name whose directory could not be synced is taken back: what rejects has changed nothing. */
  async #takeDurably(
    from: string,
    to: string,
    check: () => Promise<void>,
    linked: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<TakenName> {
    const { fs, alone } = this.options;
    const request: FreeName = { from, to, check, alone: (act) => alone(to, act) };
    const taken = await takeFreeName(fs, request);
    if (taken === "taken") return taken;
    try {
      // Before the sync: a power loss must not bring back what was only written aside.
      if (taken === "linked") await linked();
      await fs.syncDirectory(dirname(to));
    } catch (error) {
      await (taken === "linked" ? this.unlink(to) : fs.rename(to, from)).catch(() => undefined);
      throw error;
    }
    return taken;
  }

  /** Across file systems. Leaves the source, as a link does. Undefined where there is nothing to copy. */
  async #copy(from: string, to: string, permission: Permission): Promise<TakenName | undefined> {
    let source: OpenFile;
    try {
      source = await this.options.fs.openForReading(from);
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
    try {
      const { size } = await source.info();
      return (await this.create(to, partsOf(source, size), permission)) ? "linked" : "taken";
    } finally {
      await source.close();
    }
  }

  async #unlinkSource(from: string, to: string): Promise<void> {
    const { fs } = this.options;
    try {
      await fs.unlink(from);
    } catch (error) {
      // What rejects has changed nothing, where it still stands under its old name.
      if ((await fs.stat(from)) !== undefined) await this.unlink(to).catch(() => false);
      throw error;
    }
  }
}

/** For a file that is not written under a lock. */
export function unguarded(path: string): Permission {
  return { name: basename(path), check: () => Promise.resolve() };
}

async function* partsOf(file: OpenFile, size: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < size; position += COPIED_AT_ONCE_BYTES)
    yield await file.read(position, Math.min(COPIED_AT_ONCE_BYTES, size - position));
}

/** A part is made while the one before is on its way. What is on its way is waited for, whatever happens: the file is closed next. */
async function writeContent(file: OpenFile, content: Content): Promise<void> {
  let writing = Promise.resolve();
  try {
    for await (const part of content instanceof Uint8Array ? [content] : content) {
      await writing;
      writing = file.write(part);
      // Waited for in the next round.
      writing.catch(() => undefined);
    }
  } finally {
    await writing;
  }
}
