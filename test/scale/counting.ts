/** Counts what a storage is asked for: calls by kind, names listed, bytes read. Changes nothing. */
import type { Area, Log, Storage } from "../../src/storage/storage.js";

export interface Counts {
  /** By kind; those of a log as `append` and `sync`. */
  readonly calls: Readonly<Record<string, number>>;
  /** Calls of `list` by area, whatever the prefix: in a directory each reads all names. */
  readonly listings: Readonly<Record<string, number>>;
  readonly namesListed: number;
  readonly bytesRead: number;
  /** Values that were asked for one by one or together. */
  readonly valuesRead: number;
}

const SYNCHRONOUS = new Set<string>(["describe", "pathOf"]);

function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.map(bytesOf).reduce((sum, size) => sum + size, 0);
  return typeof value === "object" && value !== null && "bytes" in value ? bytesOf(value.bytes) : 0;
}

export class CountingStorage {
  readonly storage: Storage;
  #calls = new Map<string, number>();
  #listings = new Map<string, number>();
  #namesListed = 0;
  #bytesRead = 0;
  #valuesRead = 0;

  constructor(inner: Storage) {
    this.storage = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function" || typeof name !== "string") return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args) as unknown;
        return SYNCHRONOUS.has(name)
          ? call
          : async (...args: unknown[]): Promise<unknown> => this.#seen(name, args, await call(...args));
      },
    });
  }

  get counts(): Counts {
    const byName = (counts: ReadonlyMap<string, number>): Record<string, number> =>
      Object.fromEntries([...counts].sort(([left], [right]) => (left < right ? -1 : 1)));
    return {
      calls: byName(this.#calls),
      listings: byName(this.#listings),
      namesListed: this.#namesListed,
      bytesRead: this.#bytesRead,
      valuesRead: this.#valuesRead,
    };
  }

  reset(): void {
    this.#calls = new Map();
    this.#listings = new Map();
    this.#namesListed = this.#bytesRead = this.#valuesRead = 0;
  }

  #count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  #seen(name: string, args: readonly unknown[], result: unknown): unknown {
    this.#count(this.#calls, name);
    if (name === "list") {
      this.#count(this.#listings, args[0] as Area);
      this.#namesListed += (result as readonly string[]).length;
    }
    if (name === "read" || name === "readEnd" || name === "readEnds") {
      this.#bytesRead += bytesOf(result);
      this.#valuesRead += name === "readEnds" ? (args[0] as readonly unknown[]).length : 1;
    }
    return name === "createLog" ? this.#counted(result as Log) : result;
  }

  #counted(log: Log): Log {
    const counting = (name: string, act: () => Promise<void>): Promise<void> => {
      this.#count(this.#calls, name);
      return act();
    };
    return {
      append: (bytes) => counting("append", () => log.append(bytes)),
      appendDurably: (bytes) => counting("append", () => counting("sync", () => log.appendDurably(bytes))),
      sync: () => counting("sync", () => log.sync()),
      close: () => log.close(),
    };
  }
}
