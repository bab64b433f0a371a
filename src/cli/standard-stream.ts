/**
 * stdin, stdout and stderr. A file and /dev/null are written by their descriptor, at once, as Node writes files too: its streams take
 * longer to load than many a command takes. A pipe is left to Node, whose writes go on while its reader waits: the answer is
 * saved, and Ctrl-C heard, also then.
 */
import { fstatSync, statSync, writeSync, type Stats } from "node:fs";
import process from "node:process";
import { Readable } from "node:stream";
import type { InputStream } from "./context.js";
import type { OutputStream } from "./output.js";

type Descriptor = 0 | 1 | 2;

let nothing: InputStream | undefined;

/** From /dev/null nothing comes, which needs no stream that reads a file. */
export function standardInput(): InputStream {
  if (!isNullDevice(0)) return process.stdin;
  nothing ??= Readable.from([]);
  return nothing;
}

export function standardStream(descriptor: 1 | 2): OutputStream {
  if (isFile(descriptor)) return new FileStream(descriptor);
  return descriptor === 1 ? process.stdout : process.stderr;
}

function isFile(descriptor: Descriptor): boolean {
  return isKnownAs(descriptor, (found) => found.isFile() || isNull(found));
}

function isNullDevice(descriptor: Descriptor): boolean {
  return isKnownAs(descriptor, isNull);
}

function isNull(found: Stats): boolean {
  return found.isCharacterDevice() && found.rdev === statSync("/dev/null").rdev;
}

/** False where that cannot be known. */
function isKnownAs(descriptor: Descriptor, test: (found: Stats) => boolean): boolean {
  if (process.platform === "win32") return false;
  try {
    return test(fstatSync(descriptor));
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
      for (let written = 0; written < bytes.length;) written += writeSync(this.descriptor, bytes, written);
    } catch (error) {
      this.#onError(error);
    }
    done();
  }
}
