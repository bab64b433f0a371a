/**
 * The storage contract: named bytes, append-only logs and locks. It knows nothing of conversations.
 * Every implementation passes test/contracts/storage-contract.ts, or is none.
 *
 * Durable means: survives power loss from the moment the call resolves. A call that rejects has changed
 * nothing that a reader can see, except where its documentation says so.
 */

/** A flat room of names. How an area becomes a folder or a table is the implementation's own. */
export const AREAS = ["state", "backup", "quarantine", "trash", "history", "metrics"] as const;
export type Area = (typeof AREAS)[number];

export interface Key {
  readonly area: Area;
  readonly name: string;
}

export interface ReadOptions {
  /** Refuse, before reading, what is larger: rejects with code `CORRUPT`. */
  readonly maxBytes?: number;
}

export interface End {
  readonly bytes: Uint8Array;
  /** Size of the whole, in bytes. */
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface Stat {
  readonly size: number;
  readonly modifiedAt: Date;
}

/** Bytes, or their parts in order: iterated once, each part made while the one before is written. */
export type Content = Uint8Array | Iterable<Uint8Array>;

/** An append-only sequence of bytes. After a rejected `append` or `sync` the log is spent: close it, write elsewhere. */
export interface Log {
  /** Visible to readers when it resolves, durable only after `sync`. */
  append(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Who holds a lock, as told to whoever finds it taken. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface Lock {
  readonly owner: LockOwner;
  /** Rejects with `LOCKED` unless the lock is still this holder's own. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** A lock that is there, whoever left it. */
export interface FoundLock {
  readonly name: string;
  /** Undefined where it cannot be read. */
  readonly owner: LockOwner | undefined;
  /** `unknown` for an owner that cannot be seen from here. */
  readonly liveness: "alive" | "dead" | "unknown";
}

export interface Space {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export type LockAttempt =
  | { readonly acquired: true; readonly lock: Lock; readonly takenOverFrom?: LockOwner }
  | { readonly acquired: false; readonly owner: LockOwner | undefined; readonly path: string; readonly detail?: string };

/** A change seen by `watch`: something under this name appeared, grew, was replaced or went away. */
export interface Change {
  readonly key: Key;
}

export interface Storage {
  /** Makes the areas ready for writing. Idempotent. */
  prepare(): Promise<void>;
  /** Whether the areas exist; reading an absent store finds nothing and creates nothing. */
  exists(): Promise<boolean>;

  read(key: Key, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** The last `length` bytes (or all, when shorter). */
  readEnd(key: Key, length: number): Promise<End | undefined>;
  stat(key: Key): Promise<Stat | undefined>;
  /** The names in an area in code-unit order. Unfinished writes never show. */
  list(area: Area): Promise<string[]>;

  /** Atomic and durable: readers see the old bytes or the new ones, also after a crash. `guard` is asserted last. */
  replace(key: Key, content: Content, guard?: Lock): Promise<void>;
  /** Like `replace`, but only where the name is free; false where it is taken. */
  create(key: Key, bytes: Uint8Array): Promise<boolean>;
  /** Durable. False where there is nothing under `from`. Never overwrites: rejects when `to` is taken. */
  move(from: Key, to: Key): Promise<boolean>;
  /** Not durable: what was removed may come back after a power loss, so callers must be able to meet it again. */
  remove(key: Key): Promise<boolean>;
  /** What stands in an area by now, removals too, survives power loss: also what another process left there and died. */
  settle(area: Area): Promise<void>;

  /**
   * A new log that begins with these bytes (with none where left out), in place of whatever has the name: readers see
   * the old one or the new one, also after a crash. Durable when it resolves. `guard` is asserted last.
   */
  createLog(key: Key, first?: Uint8Array, guard?: Lock): Promise<Log>;

  tryLock(name: string, since: Date): Promise<LockAttempt>;
  /** The live holder of a lock; undefined where it is free or its owner is dead. */
  lockOwner(name: string): Promise<LockOwner | undefined>;

  /** Every lock there is, also those that dead processes left; in order of their names. */
  locks(): Promise<FoundLock[]>;

  /** Rejects unless a value could be written durably in the area now. Leaves nothing, and makes no area that is missing: false then. */
  probe(area: Area): Promise<boolean>;
  /** Room left where the area is; undefined where there is no area yet, or no limit. */
  space(area: Area): Promise<Space | undefined>;

  /** Removes what dead writers left unfinished under this name. Called by a writer that holds the lock. */
  sweep(name: string): Promise<string[]>;

  /** Where a person would look for this key: a path or URL, for messages only. */
  describe(key: Key): string;

  /** Calls back for each change until closed. */
  watch(area: Area, listener: (change: Change) => void): Promise<Watcher>;
}

export interface Watcher {
  close(): Promise<void>;
}
