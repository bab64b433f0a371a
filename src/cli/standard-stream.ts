/**
 * stdout and stderr. A file and /dev/null are written by their descriptor, at once, as Node writes files too: its streams take
 * longer to load than many a command takes. A pipe is left to Node, whose writes go on while its reader waits: the answer is
 * saved, and Ctrl-C heard, also then.
 */
import { fstatSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import type { OutputStream } from "./output.js";

type Descriptor = 1 | 2;

export function standardStream(descriptor: Descriptor): OutputStream {
  if (isFile(descriptor)) return new FileStream(descriptor);
  return descriptor === 1 ? process.stdout : process.stderr;
}

/** False where that cannot be known. */
function isFile(descriptor: Descriptor): boolean {
  if (process.platform === "win32") return false;
  try {
    const found = fstatSync(descriptor);
    return found.isFile() || (found.isCharacterDevice() && found.rdev === statSync("/dev/null").rdev);
  } catch {
    return false;
  }
}

class FileStream implements OutputStream {
  readonly isTTY = false;
  #onError: (error: unknown) => void = () => undefined;

  constructor(private readonly descriptor: Descriptor) {}

  on(_event: "error", listener: (error: unknown) => void): this {
    this.#onError = listener;
    return this;
  }

  write(text: string, done: () => void = () => undefined): void {
    const bytes = Buffer.from(text);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.descriptor, bytes, written);
    } catch (error) {
      this.#onError(error);
    }
    done();
  }
}
