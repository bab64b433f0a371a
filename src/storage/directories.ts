/**
 * Makes directories durably, level by level: none is made before the one above it is durable, and those that share a parent
 * share its sync. So of directories that a process left and died, only the last of them can be such as a power loss takes
 * back, and they are synced again by the next.
 */
import { dirname } from "node:path";
import { DraftstateError } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { isForbidden, storageError } from "./storage-error.js";

/** An unmounted disk, say. */
export function isGone(directory: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `${directory} was there and is gone: bring it back (is its disk mounted?), or start again to make a new one`,
    { path: directory },
  );
}

export class Directories {
  readonly #synced = new Set<string>();
  /** Directories with entries that may not be durable, and whether any of those is of our making. */
  readonly #unsynced = new Map<string, boolean>();

  constructor(
    private readonly fs: FileSystem,
    /** Was there, and is never made: only directories in it are. */
    private readonly found?: string,
  ) {}

  /** Durable when what it leaves `unsynced` is synced. EEXIST where something else has the name. */
  async make(path: string): Promise<void> {
    const parent = dirname(path);
    if (await this.fs.hasDirectory(path)) {
      if (!this.#synced.has(parent) && !this.#unsynced.has(parent)) this.#unsynced.set(parent, false);
      return;
    }
    if (path === this.found) throw isGone(path);
    if (parent !== path) {
      await this.make(parent);
      await this.sync(dirname(parent));
    }
    await this.fs.makeDirectory(path);
    this.#unsynced.set(parent, true);
  }

  get unsynced(): string[] {
    return [...this.#unsynced.keys()];
  }

  async sync(directory: string): Promise<void> {
    const isOurs = this.#unsynced.get(directory);
    if (isOurs === undefined) return;
    try {
      await this.fs.syncDirectory(directory);
    } catch (error) {
      // What others made where we may make nothing is not ours to sync. Elsewhere a process of ours may have made it and died.
      if (isOurs || !isForbidden(error) || (await this.fs.isWritable(directory))) throw storageError(directory, error);
    }
    this.#unsynced.delete(directory);
    this.#synced.add(directory);
  }
}
