/**
 * A file system whose calls are tried again when what refused them can pass. Call by call, since each call either did
 * its work or did nothing: opening, locking, reading and listing wait while the system is out of file descriptors, as saving
 * does. What was half done, a write or a sync, is never repeated here.
 *
 * A call on a network file system can time out after it has done its work. So a link, a rename or a removal that fails
 * when it is repeated is looked at before it counts as failed.
 */
import { platform } from "node:os";
import { systemErrorCode } from "../errors.js";
import type { FileStat, FileSystem, FileSystemSpace, OpenFile } from "./file-system.js";
import { isTransient, withRetry, type RetryPolicy } from "./retry.js";

/** Of a directory's sync only the opening can be refused this way; a sync that failed is not asked again. */
function lacksDescriptors(error: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(systemErrorCode(error) ?? "");
}

export class RetryingFileSystem implements FileSystem {
  constructor(
    private readonly inner: FileSystem,
    private readonly policy: RetryPolicy,
    private readonly system: NodeJS.Platform = platform(),
  ) {}

  makeDirectory(path: string): Promise<void> {
    return this.#retry("makeDirectory", () => this.inner.makeDirectory(path));
  }

  hasDirectory(path: string): Promise<boolean> {
    return this.#retry("stat", () => this.inner.hasDirectory(path));
  }

  isWritable(path: string): Promise<boolean> {
    return this.#retry("access", () => this.inner.isWritable(path));
  }

  openForReading(path: string): Promise<OpenFile> {
    return this.#retry("open", () => this.inner.openForReading(path));
  }

  createFile(path: string): Promise<OpenFile> {
    return this.#retry("create", () => this.inner.createFile(path));
  }

  async rename(from: string, to: string): Promise<void> {
    // Asked for before: once the rename is done, its old name no longer says which file it was.
    const before = await this.stat(from);
    const isDone = async (): Promise<boolean> => before !== undefined && (await this.#inodeOf(to)) === before.inode;
    await this.#retry("rename", (attempt) => unlessDone(attempt, "ENOENT", isDone, () => this.inner.rename(from, to)));
  }

  async link(from: string, to: string): Promise<void> {
    const isDone = async (): Promise<boolean> => {
      const inode = await this.#inodeOf(from);
      return inode !== undefined && (await this.#inodeOf(to)) === inode;
    };
    await this.#retry("link", (attempt) => unlessDone(attempt, "EEXIST", isDone, () => this.inner.link(from, to)));
  }

  async unlink(path: string): Promise<void> {
    await this.#retry("unlink", (attempt) =>
      unlessDone(
        attempt,
        "ENOENT",
        () => Promise.resolve(true),
        () => this.inner.unlink(path),
      ),
    );
  }

  syncDirectory(path: string): Promise<void> {
    return withRetry("syncDirectory", this.policy, () => this.inner.syncDirectory(path), lacksDescriptors);
  }

  list(path: string): Promise<string[]> {
    return this.#retry("list", () => this.inner.list(path));
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#retry("stat", () => this.inner.stat(path));
  }

  space(path: string): Promise<FileSystemSpace | undefined> {
    return this.#retry("space", () => this.inner.space(path));
  }

  async #inodeOf(path: string): Promise<string | undefined> {
    return (await this.stat(path))?.inode;
  }

  #retry<T>(operation: string, act: (attempt: number) => Promise<T>): Promise<T> {
    return withRetry(operation, this.policy, act, (error) => isTransient(error, this.system));
  }
}

/** `code` from a repeated call may mean that an earlier attempt did the work, though it was reported as failed. */
async function unlessDone(
  attempt: number,
  code: string,
  isDone: () => Promise<boolean>,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (attempt === 1 || systemErrorCode(error) !== code || !(await isDone())) throw error;
  }
}
