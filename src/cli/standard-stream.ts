/**
 * stdout and stderr. Where no terminal shows them they are written by their descriptor, at once, which is how Node writes
 * files and pipes on POSIX too: its own streams take longer to load than many a command takes.
 */
import { fstatSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import { systemErrorCode } from "../errors.js";
import type { OutputStream } from "./output.js";

type Descriptor = 1 | 2;

export function standardStream(descriptor: Descriptor): OutputStream {
  return isPlain(descriptor) ? new PlainStream(descriptor) : nodeStream(descriptor);
}

function nodeStream(descriptor: Descriptor): NodeJS.WriteStream {
  return descriptor === 1 ? process.stdout : process.stderr;
}

/** A file, a pipe, a socket or /dev/null. False where that cannot be known. */
function isPlain(descriptor: Descriptor): boolean {
  if (process.platform === "win32") return false;
  try {
    const found = fstatSync(descriptor);
    return found.isFile() || found.isFIFO() || found.isSocket() || (found.isCharacterDevice() && found.rdev === statSync("/dev/null").rdev);
  } catch {
    return false;
  }
}

class PlainStream implements OutputStream {
  readonly isTTY = false;
  #onError: (error: unknown) => void = () => undefined;
  /** Takes over where whoever shares the descriptor made it refuse to wait. */
  #patient: NodeJS.WriteStream | undefined;

  constructor(private readonly descriptor: Descriptor) {}

  on(_event: "error", listener: (error: unknown) => void): this {
    this.#onError = listener;
    return this;
  }

  write(text: string, done: () => void = () => undefined): void {
    const bytes = Buffer.from(text);
    let written = 0;
    try {
      while (this.#patient === undefined && written < bytes.length) written += writeSync(this.descriptor, bytes, written);
    } catch (error) {
      if (systemErrorCode(error) === "EAGAIN") this.#patient = nodeStream(this.descriptor).on("error", this.#onError);
      else this.#onError(error);
    }
    if (this.#patient === undefined) done();
    else this.#patient.write(bytes.subarray(written), done);
  }
}
