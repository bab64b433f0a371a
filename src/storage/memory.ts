/**
 * The storage contract in this process's memory: for chats that keep nothing, and for tests. Everything is as
 * durable as the process, and locks hold between managers that share one instance.
 */
import { DraftstateError } from "../errors.js";
import { AREAS, type Area, type Change, type Content, type End, type FoundLock, type Key, type ListOptions, type Lock, type LockAttempt, type LockHolder, type Log, type ReadOptions, type Space, type Stat, type Storage, type Watcher } from "./storage.js";

interface Entry {
  bytes: Uint8Array;
  modifiedAt: Date;
  version: string;
}

interface Holding {
  readonly holder: LockHolder;
}

export interface MemoryStorageOptions {
  readonly now: () => Date;
  readonly command: string;
}

export class MemoryStorage implements Storage {
  readonly #areas = new Map<Area, Map<string, Entry>>(AREAS.map((area) => [area, new Map<string, Entry>()]));
  readonly #locks = new Map<string, Holding>();
  readonly #watchers = new Map<Area, Set<(change: Change) => void>>();

  constructor(private readonly options: MemoryStorageOptions) {}

  #prepared = false;
  #versions = 0;
  readonly identity = `memory:${Math.random().toString(36).slice(2)}`;

  async prepare(): Promise<void> {
    this.#prepared = true;
  }

  async exists(): Promise<boolean> {
    return this.#prepared;
  }

  async read(key: Key, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const entry = this.#area(key.area).get(key.name);
    if (entry !== undefined && options.maxBytes !== undefined && entry.bytes.length > options.maxBytes) {
      throw new DraftstateError("CORRUPT", `${this.describe(key)} has ${entry.bytes.length} bytes, more than the limit of ${options.maxBytes}`, { path: this.describe(key) });
    }
    return entry?.bytes.slice();
  }

  async readEnd(key: Key, length: number): Promise<End | undefined> {
    const entry = this.#area(key.area).get(key.name);
    return entry === undefined ? undefined : { ...statOf(entry), bytes: entry.bytes.slice(Math.max(0, entry.bytes.length - length)) };
  }

  async readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    return Promise.all(keys.map((key) => this.readEnd(key, length)));
  }

  async stat(key: Key): Promise<Stat | undefined> {
    const entry = this.#area(key.area).get(key.name);
    return entry === undefined ? undefined : statOf(entry);
  }

  async list(area: Area, { prefix = "", after, limit }: ListOptions = {}): Promise<string[]> {
    const names = [...this.#area(area).keys()].filter((name) => name.startsWith(prefix) && (after === undefined || name > after));
    return names.sort().slice(0, limit);
  }

  async replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    const bytes = await bytesOf(content);
    await guard?.assertHeld();
    this.#put(key, bytes);
  }

  async create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    const bytes = await bytesOf(content);
    await guard?.assertHeld();
    if (this.#area(key.area).has(key.name)) return false;
    this.#put(key, bytes);
    return true;
  }

  async move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    await guard?.assertHeld();
    const entry = this.#area(from.area).get(from.name);
    if (entry === undefined) return false;
    if (this.#area(to.area).has(to.name)) throw new DraftstateError("STORAGE", `${this.describe(to)} exists already`, { path: this.describe(to) });
    this.#area(from.area).delete(from.name);
    this.#put(to, entry.bytes);
    this.#changed(from);
    return true;
  }

  async remove(key: Key, guard?: Lock): Promise<boolean> {
    await guard?.assertHeld();
    const removed = this.#area(key.area).delete(key.name);
    if (removed) this.#changed(key);
    return removed;
  }

  async settle(): Promise<void> {}

  async createLog(key: Key, first: Uint8Array = new Uint8Array(), guard?: Lock): Promise<Log> {
    await guard?.assertHeld();
    const entry = this.#put(key, first.slice());
    return {
      append: async (bytes) => {
        entry.bytes = Buffer.concat([entry.bytes, bytes]);
        entry.modifiedAt = this.options.now();
        entry.version = this.#nextVersion();
        this.#changed(key);
      },
      sync: async () => {},
      close: async () => {},
    };
  }

  async tryLock(name: string, since: Date): Promise<LockAttempt> {
    const path = `memory:locks/${name}`;
    const held = this.#locks.get(name);
    if (held !== undefined) return { acquired: false, holder: held.holder, liveness: "alive", where: path };
    const holding: Holding = { holder: { holder: `${this.options.command} (in this process)`, since: since.toISOString() } };
    this.#locks.set(name, holding);
    const isOurs = (): boolean => this.#locks.get(name) === holding;
    return {
      acquired: true,
      lock: {
        name,
        holder: holding.holder,
        assertHeld: async () => {
          if (!isOurs()) throw new DraftstateError("LOCKED", `the lock ${path} is no longer ours; nothing was overwritten`, { path });
        },
        release: async () => {
          if (isOurs()) this.#locks.delete(name);
        },
      },
    };
  }

  async lockHolder(name: string): Promise<LockHolder | undefined> {
    return this.#locks.get(name)?.holder;
  }

  async locks(): Promise<FoundLock[]> {
    const found = [...this.#locks].map(([name, { holder }]): FoundLock => ({ name, holder, liveness: "alive" }));
    return found.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async probe(): Promise<boolean> {
    return this.#prepared;
  }

  async space(): Promise<Space | undefined> {
    return undefined;
  }

  /** Takes a lock away as someone outside could: its holder finds out when it asks. */
  breakLock(name: string): void {
    this.#locks.delete(name);
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

  #area(area: Area): Map<string, Entry> {
    const found = this.#areas.get(area);
    if (found === undefined) throw new RangeError(`unknown area ${area}`);
    return found;
  }

  #put(key: Key, bytes: Uint8Array): Entry {
    const entry: Entry = { bytes, modifiedAt: this.options.now(), version: this.#nextVersion() };
    this.#area(key.area).set(key.name, entry);
    this.#changed(key);
    return entry;
  }

  #nextVersion(): string {
    return String((this.#versions += 1));
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
  for await (const part of content) parts.push(part);
  return Uint8Array.from(Buffer.concat(parts));
}
