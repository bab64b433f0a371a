/**
 * Watches a directory that may not be there yet: until it is, the nearest directory above it is watched. What came into
 * it meanwhile is told of like any change. One that goes away is waited for again, and what has its name then is watched; one that
 * may not be watched for now, since its mode was changed or watches ran out, is tried again.
 */
import { basename, dirname, resolve } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import type { Watcher } from "./storage.js";

/** Milliseconds until what could not be watched is tried again: nothing may tell that it can be. */
const AGAIN = 1000;

type WatchDirectory = (directory: string, listener: (name: string) => void) => Promise<Watcher>;

export interface WatchOptions {
  readonly fs: Pick<FileSystem, "stat" | "list">;
  readonly watch: WatchDirectory;
  readonly directory: string;
  readonly listener: (name: string) => void;
}

async function nearestThere({ fs, directory }: WatchOptions): Promise<string> {
  let path = resolve(directory);
  while (!(await isDirectory(fs, path)) && dirname(path) !== path) path = dirname(path);
  return path;
}

async function isDirectory(fs: WatchOptions["fs"], path: string): Promise<boolean> {
  try {
    return (await fs.stat(path))?.kind === "directory";
  } catch (error) {
    if (systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

class Waiting implements Watcher {
  #current: Watcher | undefined;
  /** What is in the directory is not known to the listener. */
  #isNew = false;
  #step: Promise<void> = Promise.resolve();
  #arrived = false;
  #closed = false;
  #again: NodeJS.Timeout | undefined;

  constructor(private readonly options: WatchOptions) {}

  /** One step closer, until the directory itself is watched. Steps never overlap. */
  advance(): Promise<void> {
    this.#step = this.#step.catch(() => undefined).then(() => this.#advance());
    return this.#step;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#step.catch(() => undefined);
    await this.#current?.close();
  }

  /** A directory tells of its own removal, and of another name for it, by its name. */
  #tell(name: string): void {
    if (name === basename(resolve(this.options.directory))) this.#begin();
    this.options.listener(name);
  }

  /** Closed at once: all watches of one path in a process share its directory, and would share the former with a new one. */
  #begin(): void {
    const former = this.#current?.close();
    this.#current = undefined;
    this.#arrived = false;
    this.#isNew = true;
    this.#step = this.#step.catch(() => undefined).then(() => former);
    this.#advanceUntilDone();
  }

  #advanceUntilDone(): void {
    this.advance().catch(() => {
      if (this.#closed) return;
      this.#arrived = false;
      this.#isNew = true;
      clearTimeout(this.#again);
      this.#again = setTimeout(() => {
        this.#advanceUntilDone();
      }, AGAIN);
    });
  }

  async #advance(): Promise<void> {
    if (this.#closed || this.#arrived) return;
    const { watch, fs, directory, listener } = this.options;
    const path = await nearestThere(this.options);
    this.#arrived = path === resolve(directory);
    this.#isNew ||= !this.#arrived;
    await this.#current?.close();
    this.#current = await watch(path, (name) => {
      if (this.#arrived) this.#tell(name);
      else this.#advanceUntilDone();
    });
    if (!this.#arrived) {
      // It may have come while the one above it was not watched yet.
      if ((await nearestThere(this.options)) !== path) await this.#advance();
    } else if (this.#isNew) {
      this.#isNew = false;
      // What went away meanwhile has no name to tell.
      listener("");
      for (const name of await fs.list(directory)) listener(name);
    }
  }
}

export async function watchWhenThere(options: WatchOptions): Promise<Watcher> {
  const waiting = new Waiting(options);
  await waiting.advance();
  return waiting;
}
