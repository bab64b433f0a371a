/** Wraps any `Storage` and makes chosen calls fail. With no fault set it changes nothing, and passes the contract that the wrapped one passes. */
import type {
  Area,
  Change,
  Content,
  End,
  FoundLock,
  Key,
  ListOptions,
  Lock,
  LockAttempt,
  LockHolder,
  LockOptions,
  Log,
  PrepareOptions,
  ReadOptions,
  Space,
  Standing,
  WrittenLog,
  Stat,
  Storage,
  Watcher,
} from "../../src/storage/storage.js";

export type StorageCall =
  | "prepare"
  | "exists"
  | "read"
  | "readEnd"
  | "readEnds"
  | "stat"
  | "list"
  | "replace"
  | "create"
  | "move"
  | "remove"
  | "settle"
  | "createLog"
  | "tryLock"
  | "lockHolder"
  | "locks"
  | "probe"
  | "space"
  | "sweep"
  | "watch";

export class FaultyStorage implements Storage {
  readonly pathOf?: (key: Key) => string;
  #fault: ((call: StorageCall) => Error | undefined) | undefined;

  constructor(private readonly inner: Storage) {
    const pathOf = inner.pathOf?.bind(inner);
    if (pathOf !== undefined) this.pathOf = pathOf;
  }

  /** What is asked before each call: it fails with what this returns. */
  setFault(fault: ((call: StorageCall) => Error | undefined) | undefined): void {
    this.#fault = fault;
  }

  get mayGoBack(): boolean {
    return this.inner.mayGoBack === true;
  }

  get identity(): string {
    return this.inner.identity;
  }

  describe(key: Key): string {
    return this.inner.describe(key);
  }

  prepare(options?: PrepareOptions): Promise<void> {
    return this.#call("prepare", () => this.inner.prepare(options));
  }

  exists(area?: Area): Promise<boolean> {
    return this.#call("exists", () => this.inner.exists(area));
  }

  read(key: Key, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#call("read", () => this.inner.read(key, options));
  }

  readEnd(key: Key, length: number): Promise<End | undefined> {
    return this.#call("readEnd", () => this.inner.readEnd(key, length));
  }

  readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    return this.#call("readEnds", () => this.inner.readEnds(keys, length));
  }

  stat(key: Key): Promise<Stat | undefined> {
    return this.#call("stat", () => this.inner.stat(key));
  }

  list(area: Area, options?: ListOptions): Promise<string[]> {
    return this.#call("list", () => this.inner.list(area, options));
  }

  replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    return this.#call("replace", () => this.inner.replace(key, content, guard));
  }

  replaceAs(writer: string, key: Key, content: Content): Promise<void> {
    return this.#call("replace", () => this.inner.replaceAs(writer, key, content));
  }

  create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    return this.#call("create", () => this.inner.create(key, content, guard));
  }

  move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    return this.#call("move", () => this.inner.move(from, to, guard));
  }

  remove(key: Key, guard?: Lock): Promise<boolean> {
    return this.#call("remove", () => this.inner.remove(key, guard));
  }

  settle(area: Area): Promise<void> {
    return this.#call("settle", () => this.inner.settle(area));
  }

  createLog(key: Key, first?: Uint8Array, guard?: Lock, continues?: Standing | WrittenLog): Promise<Log> {
    return this.#call("createLog", () => this.inner.createLog(key, first, guard, continues));
  }

  tryLock(name: string, since: Date, options?: LockOptions): Promise<LockAttempt> {
    return this.#call("tryLock", () => this.inner.tryLock(name, since, options));
  }

  lockHolder(name: string): Promise<LockHolder | undefined> {
    return this.#call("lockHolder", () => this.inner.lockHolder(name));
  }

  locks(): Promise<FoundLock[]> {
    return this.#call("locks", () => this.inner.locks());
  }

  probe(area: Area): Promise<boolean> {
    return this.#call("probe", () => this.inner.probe(area));
  }

  space(area: Area): Promise<Space | undefined> {
    return this.#call("space", () => this.inner.space(area));
  }

  sweep(...given: Parameters<Storage["sweep"]>): Promise<string[]> {
    return this.#call("sweep", () => this.inner.sweep(...given));
  }

  watch(area: Area, listener: (change: Change) => void): Promise<Watcher> {
    return this.#call("watch", () => this.inner.watch(area, listener));
  }

  async #call<T>(call: StorageCall, act: () => Promise<T>): Promise<T> {
    const error = this.#fault?.(call);
    if (error !== undefined) throw error;
    return act();
  }
}
