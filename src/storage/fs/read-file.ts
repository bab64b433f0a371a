/** A file that is read. What is not a regular file is refused, and no open waits for one. */
import { closeSync, constants, fstatSync, openSync, read as readLater, readSync } from "node:fs";
import { promisify } from "node:util";
import { systemErrorCode } from "../../errors.js";
import type { OpenFile, OpenFileInfo } from "../file-system.js";
import { refuse, statOf } from "./file-stat.js";
import { NO_FOLLOW, NON_BLOCK } from "./flags.js";

const read = promisify(readLater);

export async function openForReading(path: string): Promise<OpenFile> {
  const descriptor = openDescriptor(path);
  try {
    const found = statOf(fstatSync(descriptor, { bigint: true }));
    if (found.kind !== "file") throw refuse(path, found.kind);
    return new ReadFile(descriptor, found);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openDescriptor(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | NO_FOLLOW | NON_BLOCK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ELOOP" || code === "EMLINK") throw refuse(path, "link");
    if (code === "ENXIO") throw refuse(path, "other");
    throw error;
  }
}

/** More than this is read while the event loop runs; less takes the loop longer to hand over than to read. */
const AT_ONCE_BYTES = 64 * 1024;

/**
 * A file that is read: opened, asked and closed in system calls of microseconds, which a list of thousands of files
 * would otherwise wait for in turns of the event loop.
 */
class ReadFile implements OpenFile {
  constructor(
    private readonly descriptor: number,
    private readonly found: OpenFileInfo,
  ) {}

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const range = [buffer, filled, length - filled, position + filled] as const;
      const bytesRead =
        length <= AT_ONCE_BYTES
          ? readSync(this.descriptor, ...range)
          : (await read(this.descriptor, ...range)).bytesRead;
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async info(): Promise<OpenFileInfo> {
    return this.found;
  }

  async write(): Promise<void> {
    throw Object.assign(new Error("the file was opened for reading"), { code: "EBADF" });
  }

  async sync(): Promise<void> {
    await this.write();
  }

  async close(): Promise<void> {
    closeSync(this.descriptor);
  }
}
