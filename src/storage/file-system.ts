/**
 * What file storage needs of an operating system, call by call. Small on purpose: a double that implements it
 * can lose, reorder and tear whatever a crash could, and inject any error at any call.
 */

export type OpenFileInfo = Pick<FileStat, "size" | "modifiedAt" | "inode" | "identity" | "version">;

export interface OpenFile {
  /** Appends all bytes or rejects. */
  write(bytes: Uint8Array): Promise<void>;
  /** Up to `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  info(): Promise<OpenFileInfo>;
  /** fdatasync: the file's bytes and size survive power loss. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export type FileKind = "file" | "directory" | "link" | "other";

export interface FileStat {
  readonly kind: FileKind;
  readonly size: number;
  readonly modifiedAt: Date;
  /** Device and inode: shared by all names of a file, and given to another file once this one is gone. */
  readonly inode: string;
  /** Inode, size and modification time to the nanosecond: the same under every name of a file until its content changes. */
  readonly identity: string;
  /** Identity and change time: also tells of an edit in place that set the modification time back. */
  readonly version: string;
}

export interface FileSystemSpace {
  /** For users without privileges. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface FileSystem {
  /** One level, mode 0700, durable once its parent is synced; an existing directory is left as it is. */
  makeDirectory(path: string): Promise<void>;
  /** Links to a directory count; EEXIST rejects where something else has the name. */
  hasDirectory(path: string): Promise<boolean>;
  /** Whether this process may create entries in the directory. */
  isWritable(path: string): Promise<boolean>;
  /** A regular file and nothing else: links, FIFOs and devices reject with code `CORRUPT`, without waiting. ENOENT rejects. */
  openForReading(path: string): Promise<OpenFile>;
  /** Exclusive (EEXIST rejects), mode 0600, for appending. */
  createFile(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Hard link; EEXIST rejects. Not every file system has them: see `linksAreMissing`. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Creations, renames and removals in the directory, of directories too, survive power loss. */
  syncDirectory(path: string): Promise<void>;
  /** Names of the entries; ENOENT rejects. */
  list(path: string): Promise<string[]>;
  /** Of the entry itself, links not followed; undefined if there is none. ENOTDIR rejects where a part of the path is not a directory. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Of the file system that holds the path, links followed; undefined where there is no such path. */
  space(path: string): Promise<FileSystemSpace | undefined>;
}
