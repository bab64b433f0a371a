/**
 * A file system whose calls are tried again when what refused them can pass. Call by call, since each call either did
 * its work or did nothing: opening, locking, reading and listing wait out a moment without file descriptors as saving
 * does. What was half done, a write or a sync, is never repeated here.
 */
import { systemErrorCode } from "../errors.js";
import type { FileStat, FileSystem, FileSystemSpace, OpenFile } from "./file-system.js";
import { withRetry, type RetryPolicy } from "./retry.js";

/** Of a directory's sync only the opening can be refused this way; a sync that failed is not asked again. */
function lacksDescriptors(error: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(systemErrorCode(error) ?? "");
}

export class RetryingFileSystem implements FileSystem {
  constructor(
    private readonly inner: FileSystem,
    private readonly policy: RetryPolicy,
  ) {}

  makeDirectory(path: string): Promise<void> {
    return withRetry("makeDirectory", this.policy, () => this.inner.makeDirectory(path));
  }

  hasDirectory(path: string): Promise<boolean> {
    return withRetry("stat", this.policy, () => this.inner.hasDirectory(path));
  }

  openForReading(path: string): Promise<OpenFile> {
    return withRetry("open", this.policy, () => this.inner.openForReading(path));
  }

  createFile(path: string): Promise<OpenFile> {
    return withRetry("create", this.policy, () => this.inner.createFile(path));
  }

  rename(from: string, to: string): Promise<void> {
    return withRetry("rename", this.policy, () => this.inner.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return withRetry("link", this.policy, () => this.inner.link(from, to));
  }

  unlink(path: string): Promise<void> {
    return withRetry("unlink", this.policy, () => this.inner.unlink(path));
  }

  syncDirectory(path: string): Promise<void> {
    return withRetry("syncDirectory", this.policy, () => this.inner.syncDirectory(path), lacksDescriptors);
  }

  list(path: string): Promise<string[]> {
    return withRetry("list", this.policy, () => this.inner.list(path));
  }

  stat(path: string): Promise<FileStat | undefined> {
    return withRetry("stat", this.policy, () => this.inner.stat(path));
  }

  space(path: string): Promise<FileSystemSpace | undefined> {
    return withRetry("space", this.policy, () => this.inner.space(path));
  }
}
