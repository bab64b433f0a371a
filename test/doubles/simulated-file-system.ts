/**
 * The `FileSystem` contract in memory, for power-loss tests: it behaves like the real one, remembers each change,
 * and can produce every disk that a crash after any of them could leave (`crashStates`).
 */
import { basename, dirname } from "node:path";
import { DraftstateError } from "../../src/errors.js";
import type { FileStat, FileSystem, FileSystemSpace, OpenFile } from "../../src/storage/file-system.js";
import { crashImages } from "./crash-states.js";
import type { DiskImage, DiskOperation } from "./disk-image.js";
import { apply, contentOf, copyImage, emptyImage } from "./disk-image.js";
import type { SystemErrorCode } from "./system-error.js";
import { systemError } from "./system-error.js";

export interface CrashState {
  /** What was lost and what was kept, for the message of a failing test. */
  readonly label: string;
  /** The same for disks on which a reader finds the same. */
  readonly fingerprint: string;
  readonly fileSystem: SimulatedFileSystem;
}

export class SimulatedFileSystem implements FileSystem {
  readonly #base: DiskImage;
  readonly #live: DiskImage;
  readonly #operations: DiskOperation[] = [];
  readonly #modified = new Map<number, number>();
  readonly #age: number;
  #nextInode: number;
  /** What `space` says; nothing else looks at it. */
  room: FileSystemSpace = { freeBytes: 1e12, totalBytes: 2e12 };

  /** `image` is durable; `operations` were done on it and may not be. `age` grows from life to life of one disk, so that no version of a file comes twice. */
  constructor(image: DiskImage = emptyImage(), operations: readonly DiskOperation[] = [], age = 0) {
    this.#age = age;
    this.#base = copyImage(image);
    this.#live = copyImage(image);
    for (const operation of operations) this.#do(operation);
    this.#nextInode = Math.max(0, ...this.#live.contents.keys(), ...this.#live.entries.values()) + 1;
  }

  /** What was durable at the start. */
  get base(): DiskImage {
    return this.#base;
  }

  /** What whoever looks sees now. */
  get image(): DiskImage {
    return this.#live;
  }

  get operationCount(): number {
    return this.#operations.length;
  }

  get operations(): readonly DiskOperation[] {
    return this.#operations;
  }

  /** Every disk that a crash could leave when `after` operations had been issued. */
  *crashStates({ after = this.operationCount }: { readonly after?: number } = {}): Generator<CrashState> {
    for (const { label, fingerprint, image } of crashImages(this.#base, this.#operations.slice(0, after))) {
      yield { label, fingerprint, fileSystem: new SimulatedFileSystem(image, [], this.#age + this.operationCount + 1) };
    }
  }

  /** The same disk with everything durable and nothing pending. */
  settled(): SimulatedFileSystem {
    return new SimulatedFileSystem(this.#live, [], this.#age + this.operationCount + 1);
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#live.directories.has(path)) return;
    this.#mustBeFree(path, "mkdir");
    this.#do({ kind: "makeDirectory", path });
  }

  async hasDirectory(path: string): Promise<boolean> {
    if (this.#live.entries.has(path)) throw systemError("EEXIST", "stat", path);
    return this.#live.directories.has(path);
  }

  async isWritable(path: string): Promise<boolean> {
    return this.#live.directories.has(path);
  }

  async openForReading(path: string): Promise<OpenFile> {
    if (this.#live.directories.has(path))
      throw new DraftstateError("CORRUPT", `${path} is not a regular file (directory)`, { path });
    return this.#open(this.#inodeAt(path, "open"), path, "read");
  }

  async createFile(path: string): Promise<OpenFile> {
    this.#mustBeFree(path, "open");
    const inode = this.#nextInode;
    this.#nextInode += 1;
    this.#do({ kind: "create", path, inode });
    this.#modified.set(inode, this.operationCount);
    return this.#open(inode, path, "append");
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#inodeAt(from, "rename");
    this.#mustHaveParent(to, "rename");
    if (this.#live.directories.has(to)) throw systemError("EISDIR", "rename", to);
    // rename(2): two names of one file stay as they are.
    if (this.#live.entries.get(to) === inode) return;
    this.#do({ kind: "rename", from, path: to, inode });
  }

  async link(from: string, to: string): Promise<void> {
    const inode = this.#inodeAt(from, "link");
    this.#mustBeFree(to, "link");
    this.#do({ kind: "link", path: to, inode });
  }

  async unlink(path: string): Promise<void> {
    if (this.#live.directories.has(path)) throw systemError("EISDIR", "unlink", path);
    this.#inodeAt(path, "unlink");
    this.#do({ kind: "unlink", path });
  }

  async syncDirectory(path: string): Promise<void> {
    this.#mustBeDirectory(path, "fsync");
    this.#do({ kind: "syncDirectory", path });
  }

  async list(path: string): Promise<string[]> {
    this.#mustBeDirectory(path, "scandir");
    const paths = [...this.#live.entries.keys(), ...this.#live.directories];
    return paths.filter((entry) => entry !== path && dirname(entry) === path).map((entry) => basename(entry));
  }

  async stat(path: string): Promise<FileStat | undefined> {
    if (this.#live.directories.has(path))
      return { kind: "directory", size: 0, modifiedAt: new Date(0), inode: path, identity: path, version: path };
    const inode = this.#live.entries.get(path);
    if (inode === undefined && this.#absence(path) === "ENOTDIR") throw systemError("ENOTDIR", "lstat", path);
    return inode === undefined ? undefined : this.#statOf(inode);
  }

  async space(path: string): Promise<FileSystemSpace | undefined> {
    return this.#live.directories.has(path) ? this.room : undefined;
  }

  #statOf(inode: number): FileStat {
    const identity = `${inode}:${this.#age + (this.#modified.get(inode) ?? 0)}`;
    return {
      kind: "file",
      size: contentOf(this.#live, inode).length,
      modifiedAt: new Date(this.#modified.get(inode) ?? 0),
      inode: String(inode),
      identity,
      version: identity,
    };
  }

  #do(operation: DiskOperation): void {
    this.#operations.push(operation);
    apply(this.#live, operation);
  }

  #open(inode: number, path: string, purpose: "read" | "append"): OpenFile {
    let open = true;
    const check = (syscall: string, allowed: boolean): void => {
      if (!open || !allowed) throw systemError("EBADF", syscall, path);
    };
    return {
      write: async (bytes) => {
        check("write", purpose === "append");
        if (bytes.length === 0) return;
        this.#do({ kind: "write", inode, bytes: Uint8Array.from(bytes) });
        this.#modified.set(inode, this.operationCount);
      },
      read: async (position, length) => {
        check("read", purpose === "read");
        return Uint8Array.from(contentOf(this.#live, inode).subarray(position, position + length));
      },
      info: async () => {
        check("fstat", true);
        return this.#statOf(inode);
      },
      sync: async () => {
        check("fdatasync", true);
        this.#do({ kind: "sync", inode });
      },
      close: async () => {
        check("close", true);
        open = false;
      },
    };
  }

  #inodeAt(path: string, syscall: string): number {
    const inode = this.#live.entries.get(path);
    if (inode === undefined) throw systemError(this.#absence(path), syscall, path);
    return inode;
  }

  #absence(path: string): SystemErrorCode {
    for (let at = dirname(path); at !== dirname(at); at = dirname(at)) if (this.#live.entries.has(at)) return "ENOTDIR";
    return "ENOENT";
  }

  #mustBeDirectory(path: string, syscall: string): void {
    if (this.#live.directories.has(path)) return;
    throw systemError(this.#live.entries.has(path) ? "ENOTDIR" : this.#absence(path), syscall, path);
  }

  #mustHaveParent(path: string, syscall: string): void {
    if (!this.#live.directories.has(dirname(path))) throw systemError(this.#absence(path), syscall, path);
  }

  #mustBeFree(path: string, syscall: string): void {
    this.#mustHaveParent(path, syscall);
    if (this.#live.entries.has(path) || this.#live.directories.has(path)) throw systemError("EEXIST", syscall, path);
  }
}
