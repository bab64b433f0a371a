/**
 * The storage contract in this process's memory: for chats that keep nothing, and for tests. Everything is as
 * durable as the process, and locks hold between managers that share one instance.
 */
import { DraftstateError } from "../errors.js";
import { MemoryLocks } from "./memory-locks.js";
import {
  AREAS,
  type Area,
  type Change,
  type Content,
  type End,
  type FoundLock,
  type Key,
  type ListOptions,
  type Lock,
  type LockAttempt,
  type LockHolder,
  type LockOptions,
  type Log,
  type ReadOptions,
  type Space,
  type Stat,
  type Storage,
  type Watcher,
} from "./storage.js";

interface Entry {
  readonly bytes: Uint8Array;
  readonly modifiedAt: Date;
  readonly version: string;
}

/** One value under one name. A log keeps it when another takes the name. */
interface Cell {
  entry: Entry;
}

export interface MemoryStorageOptions {
  readonly now: () => Date;
  readonly command: string;
  /** Milliseconds since some moment, for leases; of the machine where left out. */
  readonly elapsed?: () => number;
}

let instances = 0;

export class MemoryStorage implements Storage {
  readonly identity = `memory:${(instances += 1)}`;
  readonly #areas = new Map<Area, Map<string, Cell>>(AREAS.map((area) => [area, new Map<string, Cell>()]));
  readonly #watchers = new Map<Area, Set<(change: Change) => void>>();
  readonly #locks: MemoryLocks;
  #prepared = false;
  #versions = 0;

  constructor(private readonly options: MemoryStorageOptions) {
    this.#locks = new MemoryLocks(options);
  }

  async prepare(): Promise<void> {
    this.#prepared = true;
  }

  async exists(): Promise<boolean> {
    return this.#prepared;
  }

  async read(key: Key, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const entry = this.#entry(key);
    if (entry !== undefined && options.maxBytes !== undefined && entry.bytes.length > options.maxBytes) {
      throw new DraftstateError(
        "CORRUPT",
        `${this.describe(key)} has ${entry.bytes.length} bytes, more than the limit of ${options.maxBytes}`,
        { path: this.describe(key) },
      );
    }
    return entry?.bytes.slice();
  }

  async readEnd(key: Key, length: number): Promise<End | undefined> {
    const entry = this.#entry(key);
    return entry === undefined
      ? undefined
      : { ...statOf(entry), bytes: entry.bytes.slice(Math.max(0, entry.bytes.length - length)) };
  }

  async readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    return Promise.all(keys.map((key) => this.readEnd(key, length)));
  }

  async stat(key: Key): Promise<Stat | undefined> {
    const entry = this.#entry(key);
    return entry === undefined ? undefined : statOf(entry);
  }

  async list(area: Area, { prefix = "", after, limit }: ListOptions = {}): Promise<string[]> {
    const names = [...this.#area(area).keys()].filter(
      (name) => name.startsWith(prefix) && (after === undefined || name > after),
    );
    return names.sort().slice(0, limit);
  }

  async replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    const check = this.#locks.checkOf(guard, this.describe(key));
    const bytes = await bytesOf(content);
    check();
    this.#put(key, bytes);
  }

  replaceAs(_writer: string, key: Key, content: Content): Promise<void> {
    return this.replace(key, content);
  }

  async create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    const check = this.#locks.checkOf(guard, this.describe(key));
    const bytes = await bytesOf(content);
    check();
    if (this.#area(key.area).has(key.name)) return false;
    this.#put(key, bytes);
    return true;
  }

  async move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    this.#locks.checkOf(guard, this.describe(from))();
    const entry = this.#entry(from);
    if (entry === undefined) return false;
    if (this.#area(to.area).has(to.name))
      throw new DraftstateError("STORAGE", `${this.describe(to)} exists already`, { path: this.describe(to) });
    this.#area(from.area).delete(from.name);
    this.#put(to, entry.bytes);
    this.#changed(from);
    return true;
  }

  async remove(key: Key, guard?: Lock): Promise<boolean> {
    this.#locks.checkOf(guard, this.describe(key))();
    const removed = this.#area(key.area).delete(key.name);
    if (removed) this.#changed(key);
    return removed;
  }

  async settle(): Promise<void> {}

  async createLog(key: Key, first: Uint8Array = new Uint8Array(), guard?: Lock): Promise<Log> {
    const check = this.#locks.checkOf(guard, this.describe(key));
    check();
    const cell = this.#put(key, first.slice());
    const append = async (bytes: Uint8Array): Promise<void> => {
      check();
      cell.entry = this.#entryOf(Buffer.concat([cell.entry.bytes, bytes]));
      if (this.#area(key.area).get(key.name) === cell) this.#changed(key);
    };
    return {
      append,
      appendDurably: append,
      sync: async () => {
        check();
      },
      close: async () => {},
    };
  }

  async tryLock(name: string, since: Date, options: LockOptions = {}): Promise<LockAttempt> {
    return this.#locks.tryLock(name, since, options);
  }

  async lockHolder(name: string): Promise<LockHolder | undefined> {
    return this.#locks.holder(name);
  }

  async locks(): Promise<FoundLock[]> {
    return this.#locks.all();
  }

  async probe(): Promise<boolean> {
    return this.#prepared;
  }

  async space(): Promise<Space | undefined> {
    return undefined;
  }

  /** Takes a lock away as another process could: its holder finds out when it asks. */
  async breakLock(name: string): Promise<void> {
    this.#locks.break(name);
  }

  async sweep(): Promise<string[]> {
    return [];
  }

  describe(key: Key): string {
    return `memory:${key.area}/${key.name}`;
  }

  async watch(area: Area, listener: (change: Change) => void): Promise<Watcher> {
    const listeners = this.#watchers.get(area) ?? new Set();
    this.#watchers.set(area, listeners.add(listener));
    return {
      close: async () => {
        listeners.delete(listener);
      },
    };
  }

  #area(area: Area): Map<string, Cell> {
    const found = this.#areas.get(area);
    if (found === undefined) throw new RangeError(`unknown area ${area}`);
    return found;
  }

  #entry(key: Key): Entry | undefined {
    return this.#area(key.area).get(key.name)?.entry;
  }

  #put(key: Key, bytes: Uint8Array): Cell {
    const cell = { entry: this.#entryOf(bytes) };
    this.#area(key.area).set(key.name, cell);
    this.#changed(key);
    return cell;
  }

  #entryOf(bytes: Uint8Array): Entry {
    this.#versions += 1;
    return { bytes, modifiedAt: this.options.now(), version: String(this.#versions) };
  }

  #changed(key: Key): void {
    for (const listener of this.#watchers.get(key.area) ?? []) listener({ key });
  }
}

function statOf({ bytes, modifiedAt, version }: Entry): Stat {
  return { size: bytes.length, modifiedAt, version };
}

async function bytesOf(content: Content): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content.slice();
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part.slice());
  return Uint8Array.from(Buffer.concat(parts));
}
