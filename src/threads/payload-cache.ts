/** Values that were written or read lately, so that they need not be read again: the least used go first, by their bytes. */
import type { Payload } from "../checkpoints/payload.js";

const MAX_BYTES = 64 * 1024 * 1024;

export class PayloadCache {
  readonly #payloads = new Map<string, readonly Payload[]>();
  #bytes = 0;

  constructor(private readonly limit = MAX_BYTES) {}

  get(key: string): readonly Payload[] | undefined {
    const found = this.#payloads.get(key);
    if (found === undefined) return undefined;
    this.#payloads.delete(key);
    this.#payloads.set(key, found);
    return found;
  }

  set(key: string, payloads: readonly Payload[]): void {
    const size = sizeOf(payloads);
    if (size > this.limit / 2) return;
    this.#bytes += size - sizeOf(this.#payloads.get(key) ?? []);
    this.#payloads.delete(key);
    this.#payloads.set(key, payloads);
    for (const [oldest, found] of this.#payloads) {
      if (this.#bytes <= this.limit) return;
      this.#payloads.delete(oldest);
      this.#bytes -= sizeOf(found);
    }
  }
}

/** An entry costs something even when it is empty. */
const ENTRY_BYTES = 200;

function sizeOf(payloads: readonly Payload[]): number {
  return payloads.reduce((sum, { bytes }) => sum + bytes.length, payloads.length === 0 ? 0 : ENTRY_BYTES);
}
