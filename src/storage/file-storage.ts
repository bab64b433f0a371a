/**
 * The storage contract over a file system: areas are directories, keys are files in them, locks are files of their own.
 * The guard of a change is looked at as the last thing before the change.
 */
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DraftstateError, systemErrorCode } from "../errors.js";
import { BackupOwner } from "./backup-owner.js";
import { FileAreas, internalOf } from "./file-areas.js";
import { FileLog } from "./file-log.js";
import type { FileSystem, OpenFile, OpenFileInfo } from "./file-system.js";
import { FileWriter, nameAside, unguarded, type Permission } from "./file-writer.js";
import type { HeldLock, LockClock } from "./held-lock.js";
import { keepOutOfGit } from "./ignore-file.js";
import { refuseLinks } from "./internal-directories.js";
import { LockDirectory } from "./lock.js";
import { mapBounded } from "./map-bounded.js";
import type { ProcessTable } from "./process-table.js";
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
  Stat,
  Storage,
  Watcher,
} from "./storage.js";
import { explained } from "./storage-error.js";
import { Sweeper } from "./sweeper.js";
import { watchWhenThere } from "./watch-when-there.js";

/** As much as a small save takes: a disk with room for a name alone is full. */
const PROBE_BYTES = 4096;
const READ_AT_ONCE = 32;
const CREATE_PAUSE_MS = 10;
const CREATE_ATTEMPTS = 200;

export interface FileStorageOptions {
  readonly stateDir: string;
  readonly backupDir: string;
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  /** Letters and digits, unique enough never to repeat. */
  readonly randomName: () => string;
  /** How this process presents itself to a contender that finds its lock. */
  readonly command: string;
  readonly watch: (directory: string, listener: (name: string) => void) => Promise<Watcher>;
  /** Where a directory leads, links followed as far as there is anything; the path itself where left out. */
  readonly realDirectory?: (path: string) => string;
  readonly clock?: LockClock;
  /** Whether new directories get a `.gitignore`. */
  readonly keepOutOfGit?: boolean;
  /** Whether the directory of backups is marked as this store's, and refused where it is another's. */
  readonly ownsBackups?: boolean;
  /** Of a fallback: where its directory is missing there is nothing in it, and it may be made anew. */
  readonly mayBeRemoved?: boolean;
  /** Asked before the first directory is made; rejects where the store is not to be used. */
  readonly admit?: (storage: Storage) => Promise<void>;
}

const SYSTEM_CLOCK: LockClock = { now: () => Date.now(), elapsed: () => performance.now() };

export class FileStorage implements Storage {
  readonly identity: string;
  readonly #areas: FileAreas;
  readonly #writer: FileWriter;
  readonly #locks: LockDirectory;
  readonly #sweeper: Sweeper;
  readonly #owner: BackupOwner | undefined;
  /** The locks that this storage gave: no other is a guard. */
  readonly #held = new WeakMap<Lock, HeldLock>();

  constructor(private readonly options: FileStorageOptions) {
    const { stateDir, backupDir, fs, realDirectory = (path: string) => path, clock = SYSTEM_CLOCK } = options;
    // The same while the directory is away: what leads to it stays.
    this.identity = realDirectory(resolve(stateDir));
    this.#areas = new FileAreas(fs, stateDir, backupDir);
    this.#locks = new LockDirectory({ ...options, clock, directory: this.#areas.locks });
    this.#writer = new FileWriter({ ...options, alone: (path, act) => this.#alone(path, act) });
    this.#sweeper = new Sweeper({ fs, areas: this.#areas, locks: this.#locks, writer: this.#writer });
    const own = { fs, writer: this.#writer, stateDir: this.identity, backupDir, realDirectory, internal: internalOf };
    this.#owner = options.ownsBackups === true ? new BackupOwner(own) : undefined;
  }

  async prepare({ found = false }: PrepareOptions = {}): Promise<void> {
    const { fs, admit, keepOutOfGit: isKeptOut = false } = this.options;
    const isFirst = !this.#areas.made;
    if (isFirst) {
      await this.#owner?.check();
      await admit?.(this);
    }
    await explained(this.#areas.internal, () =>
      this.#areas.prepare(found, async (directory, isMade) => {
        if (isKeptOut) await keepOutOfGit(fs, this.#writer, directory, isMade);
      }),
    );
    if (isFirst) await this.#owner?.claim();
    this.#seen("state");
  }

  async exists(area: Area = "state"): Promise<boolean> {
    const directory = this.#areas.directoryOf(area);
    const isThere = await explained(directory, () => this.options.fs.hasDirectory(directory));
    if (isThere) this.#seen(area);
    return isThere;
  }

  async read(key: Key, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return this.#reading(key, async (file) => {
      const { size } = await file.info();
      if (options.maxBytes !== undefined && size > options.maxBytes) {
        throw new DraftstateError(
          "CORRUPT",
          `${this.describe(key)} has ${size} bytes, more than the limit of ${options.maxBytes}`,
          { path: this.describe(key) },
        );
      }
      return file.read(0, size);
    });
  }

  async readEnd(key: Key, length: number): Promise<End | undefined> {
    return this.#reading(key, async (file) => {
      const info = await file.info();
      const start = Math.max(0, info.size - length);
      return { ...statOf(info), bytes: await file.read(start, info.size - start) };
    });
  }

  async readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    return mapBounded(keys, READ_AT_ONCE, (key) => this.readEnd(key, length));
  }

  async stat(key: Key): Promise<Stat | undefined> {
    const path = this.describe(key);
    const found = await explained(path, () => this.options.fs.stat(path));
    return found === undefined ? this.#absent(key.area) : statOf(found);
  }

  async list(area: Area, { prefix = "", after, limit }: ListOptions = {}): Promise<string[]> {
    const names = (await this.#entries(area)).filter(
      (name) => !name.startsWith(".") && name.startsWith(prefix) && (after === undefined || name > after),
    );
    return names.sort().slice(0, limit);
  }

  async replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    const permission = this.#permission(key, guard);
    await this.#changing(key, async (path) => this.#writer.replace(path, content, permission));
  }

  async replaceAs(writer: string, key: Key, content: Content): Promise<void> {
    return this.#changing(key, (path) => this.#writer.replace(path, content, { ...unguarded(path), name: writer }));
  }

  async create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    const permission = this.#permission(key, guard);
    return this.#changing(key, (path) => this.#writer.create(path, content, permission));
  }

  async move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    const permission = this.#permission(to, guard);
    return this.#changing(from, async (path) => {
      await this.#assertOwn(to.area);
      await this.#areas.refuseLinks([to.area]);
      return this.#writer.move(path, this.describe(to), permission);
    });
  }

  async remove(key: Key, guard?: Lock): Promise<boolean> {
    const { check } = this.#permission(key, guard);
    return this.#changing(key, async (path) => {
      await check();
      return this.#writer.unlink(path);
    });
  }

  async settle(area: Area): Promise<void> {
    const directory = this.#areas.directoryOf(area);
    await explained(directory, () => this.options.fs.syncDirectory(directory));
  }

  async createLog(key: Key, first: Uint8Array = new Uint8Array(), guard?: Lock): Promise<Log> {
    const permission = this.#permission(key, guard);
    return this.#changing(key, async (path) => {
      const log = new FileLog({
        file: await this.#writer.replaceOpen(path, first, permission),
        check: permission.check,
        statOfName: () => this.options.fs.stat(path),
      });
      return {
        append: (bytes) => explained(path, () => log.append(bytes)),
        appendDurably: (bytes) => explained(path, () => log.appendDurably(bytes)),
        sync: () => explained(path, () => log.sync()),
        close: () => explained(path, () => log.close()),
      };
    });
  }

  async tryLock(name: string, since: Date, options: LockOptions = {}): Promise<LockAttempt> {
    const path = this.#locks.pathOf(name);
    const attempt = await explained(path, async () => {
      await refuseLinks(this.options.fs, [this.#areas.internal, this.#areas.locks]);
      await this.#writer.removeLeft();
      return this.#locks.tryLock(name, since, options);
    });
    if (!attempt.acquired) return attempt;
    const lock = this.#ownLock(path, attempt.lock);
    if (attempt.takenOverFrom === undefined) await this.#sweeper.sweepAgain(name);
    return { ...attempt, lock };
  }

  async lockHolder(name: string): Promise<LockHolder | undefined> {
    return explained(this.#locks.pathOf(name), () => this.#locks.holder(name));
  }

  async locks(): Promise<FoundLock[]> {
    return explained(this.#areas.locks, () => this.#locks.all());
  }

  async probe(area: Area): Promise<boolean> {
    const directory = this.#areas.directoryOf(area);
    return explained(directory, async () => {
      await this.#areas.refuseLinks();
      const found = await this.options.fs.stat(directory);
      if (found === undefined) return false;
      // Of a process that was killed while it tried.
      for (const entry of await this.#entries(area))
        if (nameAside(entry) === "probe") await this.#writer.unlink(join(directory, entry));
      return this.#writer.withFileAside(directory, "probe", new Uint8Array(PROBE_BYTES), () => Promise.resolve(true));
    });
  }

  async space(area: Area): Promise<Space | undefined> {
    const directory = this.#areas.directoryOf(area);
    return explained(directory, () => this.options.fs.space(directory));
  }

  sweep(name: string, area?: Area): Promise<string[]> {
    return area === undefined ? this.#sweeper.sweep(name) : this.#sweeper.sweepArea(area, name);
  }

  describe(key: Key): string {
    return join(this.#areas.directoryOf(key.area), key.name);
  }

  pathOf(key: Key): string {
    return this.describe(key);
  }

  async watch(area: Area, listener: (change: Change) => void): Promise<Watcher> {
    const tell = (name: string): void => {
      if (!name.startsWith(".")) listener({ key: { area, name } });
    };
    const directory = this.#areas.directoryOf(area);
    return explained(directory, () => watchWhenThere({ ...this.options, directory, listener: tell }));
  }

  #ownLock(path: string, held: HeldLock): Lock {
    const lock: Lock = {
      name: held.name,
      get holder() {
        return held.holder;
      },
      assertHeld: () => explained(path, () => held.assertHeld()),
      release: () =>
        explained(path, async () => {
          // Once the lock is gone nothing looks for it.
          await this.#writer.removeLeft();
          if (this.#writer.hasLeft(held.name)) await this.#sweeper.remember(held.name).catch(() => undefined);
          return held.release();
        }),
    };
    this.#held.set(lock, held);
    return lock;
  }

  /** Throws a `TypeError` for a lock of another storage. */
  #permission(key: Key, guard: Lock | undefined): Permission {
    if (guard === undefined) return unguarded(this.describe(key));
    const held = this.#held.get(guard);
    if (held === undefined)
      throw new TypeError(
        `the lock ${guard.name} is a lock of another storage: it does not guard ${this.describe(key)}`,
      );
    return { name: guard.name, check: () => held.assertHeld() };
  }

  async #changing<T>(key: Key, act: (path: string) => Promise<T>): Promise<T> {
    const path = this.describe(key);
    return explained(path, async () => {
      await this.#assertOwn(key.area);
      await this.#areas.refuseLinks([key.area]);
      return act(path);
    });
  }

  /** Without hard links: a lock of this name alone keeps writers apart, and goes to another if its owner dies. */
  async #alone<T>(path: string, act: () => Promise<T>): Promise<T> {
    const name = `.create-${basename(dirname(path))}-${basename(path)}`;
    for (let attempt = 1; attempt <= CREATE_ATTEMPTS; attempt += 1) {
      const reserved = await this.#locks.tryLock(name, new Date(0));
      if (!reserved.acquired) {
        await delay(CREATE_PAUSE_MS);
        continue;
      }
      try {
        return await act();
      } finally {
        // Not to hide what became of the act; what is left goes with the next attempt of this process.
        await reserved.lock.release().catch(() => undefined);
      }
    }
    throw new DraftstateError(
      "STORAGE",
      `${path} is being created by another process: try again, or remove ${this.#locks.pathOf(name)} if none is`,
      { path },
    );
  }

  async #reading<T>(key: Key, use: (file: OpenFile) => Promise<T>): Promise<T | undefined> {
    const path = this.describe(key);
    await this.#assertOwn(key.area);
    return explained(path, async () => {
      let file: OpenFile;
      try {
        file = await this.options.fs.openForReading(path);
      } catch (error) {
        if (systemErrorCode(error) === "ENOENT") return this.#absent(key.area);
        throw error;
      }
      this.#seen(key.area);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    });
  }

  #seen(area: Area): void {
    if (this.options.mayBeRemoved !== true) this.#areas.seen(area);
  }

  async #assertOwn(area: Area): Promise<void> {
    if (area === "backup") await this.#owner?.check();
  }

  async #entries(area: Area): Promise<string[]> {
    const directory = this.#areas.directoryOf(area);
    await this.#assertOwn(area);
    return explained(directory, async () => {
      try {
        return await this.options.fs.list(directory);
      } catch (error) {
        if (systemErrorCode(error) !== "ENOENT") throw error;
        await this.#areas.assertAbsent(area);
        return [];
      }
    });
  }

  /** Never because the whole directory is away. */
  async #absent(area: Area): Promise<undefined> {
    await this.#areas.assertAbsent(area);
    return undefined;
  }
}

function statOf({ size, modifiedAt, version }: OpenFileInfo): Stat {
  return { size, modifiedAt, version };
}
