/** A file that is created and written: whole contents, and logs that are appended to. */
import {
  close as closeLater,
  constants,
  fdatasync as fdatasyncLater,
  fstat as fstatLater,
  open as openLater,
  write as writeLater,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import type { OpenFile, OpenFileInfo } from "../file-system.js";
import { statOf } from "./file-stat.js";
import { NO_FOLLOW } from "./flags.js";

/** A content comes in parts of at least so much, between which the event loop is to turn. */
const SMALL_PART_BYTES = 16 * 1024;
/** An append to a log comes alone. */
const SMALL_APPEND_BYTES = 64 * 1024;
const FILE_MODE = 0o600;

const close = promisify(closeLater);
const fdatasync = promisify(fdatasyncLater);
const fstat = promisify(fstatLater);
const open = promisify(openLater);
const write = promisify(writeLater);

export async function createFile(path: string): Promise<OpenFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | NO_FOLLOW;
  return new WrittenFile(await open(path, flags, FILE_MODE));
}

/** A file that is written. Its descriptor is closed when no call uses it any more, and used by none after: it may be another file's by then. */
class WrittenFile implements OpenFile {
  #uses = 0;
  #closing: Promise<void> | undefined;
  #onUnused: (() => void) | undefined;
  /** What follows a sync is an append to a log. */
  #isSynced = false;

  constructor(private readonly descriptor: number) {}

  write(bytes: Uint8Array): Promise<void> {
    return this.#use(async (descriptor) => {
      for (let written = 0; written < bytes.length;) {
        const [start, length] = [written, bytes.length - written];
        // What is small goes to the page cache in microseconds; handing it to another thread and back takes longer.
        written +=
          length <= (this.#isSynced ? SMALL_APPEND_BYTES : SMALL_PART_BYTES)
            ? writeSync(descriptor, bytes, start, length)
            : (await write(descriptor, bytes, start, length)).bytesWritten;
      }
    });
  }

  async read(): Promise<Uint8Array> {
    throw Object.assign(new Error("the file was opened for writing"), { code: "EBADF" });
  }

  info(): Promise<OpenFileInfo> {
    return this.#use(async (descriptor) => {
      return statOf(await fstat(descriptor, { bigint: true }));
    });
  }

  sync(): Promise<void> {
    return this.#use(async (descriptor) => {
      await fdatasync(descriptor);
      this.#isSynced = true;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#uses > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
    }
    await close(this.descriptor);
  }

  async #use<T>(act: (descriptor: number) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw Object.assign(new Error("the file is closed"), { code: "EBADF" });
    this.#uses += 1;
    try {
      return await act(this.descriptor);
    } finally {
      this.#uses -= 1;
      if (this.#uses === 0) this.#onUnused?.();
    }
  }
}
