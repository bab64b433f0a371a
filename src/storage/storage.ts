/**
 * The storage contract: named bytes, append-only logs and locks. It knows nothing of conversations.
 * Every implementation passes test/contracts/storage-contract.ts.
 *
 * Durable means: survives power loss from the moment the call resolves. A call that rejects has changed
 * nothing that a reader can see, except where its documentation says so.
 */

import type { RetryEvent } from "./retry.js";

/** A flat room of names. How an area becomes a folder or a table is the implementation's own. */
export const AREAS = ["state", "backup", "quarantine", "trash", "history", "metrics"] as const;
export type Area = (typeof AREAS)[number];

export interface Key {
  readonly area: Area;
  readonly name: string;
}

export interface PrepareOptions {
  /** The store was seen a moment ago. */
  readonly found?: boolean;
}

export interface ReadOptions {
  /** Refuse, before reading, what is larger: rejects with code `CORRUPT`. */
  readonly maxBytes?: number;
}

export interface Stat {
  /** Of the whole, in bytes. */
  readonly size: number;
  readonly modifiedAt: Date;
  /** Opaque: two looks at one key that give the same token saw the same content. Says nothing across keys. */
  readonly version: string;
}

export interface End extends Stat {
  readonly bytes: Uint8Array;
}

export interface ListOptions {
  /** Only names that begin with it. */
  readonly prefix?: string;
  /** Only names behind this one. */
  readonly after?: string;
  /** At most this many. */
  readonly limit?: number;
}

/** Bytes, or their parts in order: iterated once, each part made while the one before is written. */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * An append-only sequence of bytes. After a rejection the log is spent: close it, write elsewhere.
 * What is appended to a log whose name went to another is not read by anybody; a storage that can tell rejects it with `STORAGE`.
 * A log that was created under a lock rejects them with `LOCKED` once that lock is lost: what resolved was written by its holder.
 */
export interface Log {
  /** Visible to readers when it resolves, durable only after `sync`. */
  append(bytes: Uint8Array): Promise<void>;
  /** `append` and `sync` in one: durable when it resolves. */
  appendDurably(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Who holds a lock, as told to a contender that finds it taken. */
export interface LockHolder {
  /** For people, such as `draftstate chat (pid 123 on host)`. */
  readonly holder: string;
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601; only where the lock is a lease. */
  readonly expiresAt?: string;
}

/**
 * Also the guard of changes: a call that is given one checks it atomically with the change and rejects with `LOCKED` once it
 * is lost. A lock of another storage is no guard: the call rejects with a `TypeError`, whatever the lock's state.
 */
export interface Lock {
  readonly name: string;
  readonly holder: LockHolder;
  /** Rejects with `LOCKED` unless the lock is still this holder's own. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** A lock that exists, held or left behind. */
export interface FoundLock {
  readonly name: string;
  /** Undefined where it cannot be read. */
  readonly holder: LockHolder | undefined;
  /** `unknown` for an owner that cannot be seen from here. */
  readonly liveness: "alive" | "dead" | "unknown";
}

export interface LockOptions {
  /** Milliseconds: the lock ends by itself unless its holder renews it, which it does while its process lives. */
  readonly lease?: number;
}

export interface Space {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What a server that holds the values says of itself. */
export interface ServerReport {
  /** Its name and version. */
  readonly server: string;
  /** Of each of our tables, with its indexes. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
}

export interface LockRefusal {
  readonly acquired: false;
  /** Undefined where the lock cannot be read. */
  readonly holder: LockHolder | undefined;
  /** `unknown` where the holder may be dead and only a person can tell. */
  readonly liveness: "alive" | "unknown";
  /** Where a person finds the lock, for messages only. */
  readonly where: string;
  /** Why it was refused, where the holder does not say it. */
  readonly detail?: string;
}

export type LockAttempt =
  { readonly acquired: true; readonly lock: Lock; readonly takenOverFrom?: LockHolder } | LockRefusal;

/** A change seen by `watch`: something under this name appeared, grew, was replaced or went away. With an empty name, anything did. */
export interface Change {
  readonly key: Key;
}

/** A value in the version in which it was last seen. */
export interface Standing {
  readonly key: Key;
  readonly version: string;
}

/** A log that this much was written to, under the lock that guards what continues it. */
export interface WrittenLog {
  readonly key: Key;
  readonly bytes: number;
}

export interface Storage {
  /** Whether a server that lacks what was durable may take the place of another: a standby, or one that was restored. */
  readonly mayGoBack?: boolean;

  /** Makes the areas ready for writing. Idempotent. Rejects where a store that was `found` is no longer there: another is not made in its place. */
  prepare(options?: PrepareOptions): Promise<void>;
  /**
   * Whether the area exists, that of the state where left out. Reading an absent store finds nothing and creates nothing; where it
   * was seen before and is gone, such as a directory whose disk was unmounted, reading rejects with `STORAGE` and `prepare` makes none.
   */
  exists(area?: Area): Promise<boolean>;

  read(key: Key, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** The last `length` bytes (or all, when shorter). */
  readEnd(key: Key, length: number): Promise<End | undefined>;
  stat(key: Key): Promise<Stat | undefined>;
  /** The ends of many values, in the order of the keys. */
  readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]>;
  /** The names in an area in code-unit order. Unfinished writes never show. */
  list(area: Area, options?: ListOptions): Promise<string[]>;

  /** Atomic and durable: readers see the old bytes or the new ones, also after a crash. */
  replace(key: Key, content: Content, guard?: Lock): Promise<void>;
  /** The same without a lock: what is left unfinished is known by `writer`, a name for `sweep`, and not by the key's. */
  replaceAs(writer: string, key: Key, content: Content): Promise<void>;
  /** Like `replace`, but only where the name is free; false where it is taken. */
  create(key: Key, content: Content, guard?: Lock): Promise<boolean>;
  /** Durable. False where there is nothing under `from`. Never overwrites: rejects when `to` is taken. */
  move(from: Key, to: Key, guard?: Lock): Promise<boolean>;
  /** Not durable: what was removed may come back after a power loss, so callers must be able to meet it again. */
  remove(key: Key, guard?: Lock): Promise<boolean>;
  /** What stands in an area by now, removals too, survives power loss: also what another process left there and died. */
  settle(area: Area): Promise<void>;

  /**
   * A new log that begins with these bytes (with none where left out), in place of whatever has the name: readers see
   * the old one or the new one, also after a crash. Durable when it resolves. A storage that may go back rejects with `STORAGE`,
   * and leaves what has the name, where the value that the log continues is not there in this version, or the log before it is shorter.
   */
  createLog(key: Key, first?: Uint8Array, guard?: Lock, continues?: Standing | WrittenLog): Promise<Log>;

  tryLock(name: string, since: Date, options?: LockOptions): Promise<LockAttempt>;
  /** The live holder of a lock; undefined where it is free or its owner is dead. */
  lockHolder(name: string): Promise<LockHolder | undefined>;

  /** Every lock there is, also those that dead processes left; in order of their names. */
  locks(): Promise<FoundLock[]>;

  /** Rejects unless a value could be written durably in the area now. Leaves nothing, and makes no area that is missing: false then. */
  probe(area: Area): Promise<boolean>;
  /** Room left where the area is; undefined where there is no area yet, or no limit. */
  space(area: Area): Promise<Space | undefined>;

  /** Where the values are on a server. Rejects where it is out of reach; no tables where there are none yet. */
  server?(): Promise<ServerReport>;
  /** Where the values are on a server: whether what a call rejected with may pass by itself, such as a server that is away. */
  mayPass?(error: unknown): boolean;
  /** Where calls are tried again by the storage itself: calls back before each further attempt. */
  onRetry?(listener: (event: RetryEvent) => void): void;

  /**
   * Removes what writers of this name that died left unfinished: those that held the lock of this name, or wrote as it. Called by a
   * writer that holds it. What cannot be looked at now, since an area is away, goes with the lock's next holders. With an area, the
   * others need not be looked at.
   */
  sweep(name: string, area?: Area): Promise<string[]>;

  /** Names this store: the same in every process that uses it, in no other store, also while it is out of reach. */
  readonly identity: string;
  /** Where a person would look for this key: a path or URL, for messages only. */
  describe(key: Key): string;
  /** Where the values are files of this machine: the path of one, to be read by other means. */
  pathOf?(key: Key): string;

  /** Calls back for each change until closed. */
  watch(area: Area, listener: (change: Change) => void): Promise<Watcher>;
}

export interface Watcher {
  close(): Promise<void>;
}
