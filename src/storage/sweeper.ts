/**
 * Removes what a dead writer left unfinished, for the holder of its lock: everywhere at takeover. Where that could not look
 * everywhere, since the directory of backups was away or failed, or where a living writer could not remove its own before it
 * released the lock, a file beside the lock remembers it (`.unswept-{lock}`), and the lock's next holder sweeps again once the
 * directory is back.
 */
import { join } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileAreas } from "./file-areas.js";
import type { FileSystem } from "./file-system.js";
import { nameAside, type FileWriter } from "./file-writer.js";
import type { LockDirectory } from "./lock.js";
import { AREAS, type Area } from "./storage.js";
import { explained } from "./storage-error.js";

export interface SweeperOptions {
  readonly fs: FileSystem;
  readonly areas: FileAreas;
  readonly locks: LockDirectory;
  readonly writer: FileWriter;
}

export class Sweeper {
  constructor(private readonly options: SweeperOptions) {}

  async sweep(name: string): Promise<string[]> {
    const { areas } = this.options;
    try {
      const removed = await this.#sweepAll(name);
      if (await areas.isBackupInReach()) await this.#forget(name);
      else await this.remember(name);
      return removed;
    } catch (error) {
      await this.remember(name).catch(() => undefined);
      throw error;
    }
  }

  /** For a holder that did not take the lock over: what the one before could not sweep. What cannot be swept now either stays remembered. */
  async sweepAgain(name: string): Promise<void> {
    const { fs, areas } = this.options;
    try {
      if ((await fs.stat(this.#reminderOf(name))) !== undefined && (await areas.isBackupInReach()))
        await this.sweep(name);
    } catch {
      // The lock is held all the same.
    }
  }

  async sweepArea(area: Area, name: string): Promise<string[]> {
    const directory = this.options.areas.directoryOf(area);
    const removed: string[] = [];
    for (const entry of (await this.#entries(directory)).filter((each) => nameAside(each) === name)) {
      const path = join(directory, entry);
      if (await explained(path, () => this.options.writer.unlink(path))) removed.push(path);
    }
    if (removed.length > 0) await this.#settle(directory);
    return removed;
  }

  async #sweepAll(name: string): Promise<string[]> {
    const { fs, areas, locks } = this.options;
    const removed = await explained(areas.locks, () => locks.sweep(name));
    for (const area of AREAS) {
      const directory = areas.directoryOf(area);
      const swept = await this.sweepArea(area, name);
      removed.push(...swept);
      // Once the lock is released nothing looks for what is unfinished: a power loss must not bring back what the dead writer itself
      // removed and had no time to settle.
      if (swept.length === 0 && (await explained(directory, () => fs.hasDirectory(directory))))
        await this.#settle(directory);
    }
    return removed;
  }

  /** A power loss must not bring back what was removed. */
  #settle(directory: string): Promise<void> {
    return explained(directory, () => this.options.fs.syncDirectory(directory));
  }

  #entries(directory: string): Promise<string[]> {
    return explained(directory, () =>
      this.options.fs.list(directory).catch((error: unknown) => {
        if (systemErrorCode(error) === "ENOENT") return [];
        throw error;
      }),
    );
  }

  /** For the next holder: something under this name could not be removed. */
  async remember(name: string): Promise<void> {
    const { fs, areas } = this.options;
    const path = this.#reminderOf(name);
    await explained(path, async () => {
      if ((await fs.stat(path)) !== undefined) return;
      await (await fs.createFile(path)).close();
      await fs.syncDirectory(areas.locks);
    });
  }

  async #forget(name: string): Promise<void> {
    const path = this.#reminderOf(name);
    await explained(path, () => this.options.writer.unlink(path));
  }

  #reminderOf(name: string): string {
    return join(this.options.areas.locks, `.unswept-${name}`);
  }
}
