/**
 * Standard streams that lead to a file or to /dev/null, written by their descriptor, synchronously as Node writes files
 * too: Node's own streams take longer to load than many commands run. A pipe is left to Node, whose writes continue while
 * the reader waits.
 */
import { fstatSync, statSync, writeSync, type Stats } from "node:fs";
import type { OutputStream } from "./io.js";

type Descriptor = 0 | 1 | 2;

/** Undefined for anything but a file and /dev/null. */
export function fileStreamFor(descriptor: 1 | 2): OutputStream | undefined {
  return matches(descriptor, (found) => found.isFile() || isNull(found)) ? new FileStream(descriptor) : undefined;
}

export function isNullDevice(descriptor: Descriptor): boolean {
  return matches(descriptor, isNull);
}

function isNull(found: Stats): boolean {
  return found.isCharacterDevice() && found.rdev === statSync("/dev/null").rdev;
}

/** False if it cannot be known. */
function matches(descriptor: Descriptor, test: (found: Stats) => boolean): boolean {
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
