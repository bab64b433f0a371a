/**
 * Makes directories durably, level by level: none is made before the one above it is durable. So of directories that a
 * process left and died, only the last can be one that a power loss takes back, and it is synced again by the next.
 */
import { dirname } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";

export class Directories {
  /** Those whose entries are durable by now. */
  readonly #synced = new Set<string>();

  constructor(private readonly fs: FileSystem) {}

  /** Durable when it resolves. EEXIST where something else has the name. */
  async make(path: string): Promise<void> {
    const { fs } = this;
    const parent = dirname(path);
    if (await fs.hasDirectory(path)) return this.#syncFound(parent);
    if (parent !== path) await this.make(parent);
    await fs.makeDirectory(path);
    await fs.syncDirectory(parent);
    this.#synced.add(parent);
  }

  /** It was there before us: one that we must not read is not ours to sync. */
  async #syncFound(directory: string): Promise<void> {
    if (this.#synced.has(directory)) return;
    try {
      await this.fs.syncDirectory(directory);
      this.#synced.add(directory);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
    }
  }
}
