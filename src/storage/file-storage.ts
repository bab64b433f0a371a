/**
 * The storage contract over a file system. Writes go to a file aside (`.tmp-{random}-{name}`), are synced, and
 * take their name in one step; the directory is synced after. What a killed process leaves aside is swept later.
 */
import { dirname, join, resolve } from "node:path";
import { DraftstateError, systemErrorCode } from "../errors.js";
import { Directories } from "./directories.js";
import type { FileSystem, OpenFile } from "./file-system.js";
import { refuseLinks } from "./internal-directories.js";
import { LockDirectory } from "./lock.js";
import type { ProcessTable } from "./process-table.js";
import type { Area, Change, Content, End, FoundLock, Key, ListOptions, Lock, LockAttempt, LockOptions, LockHolder, Log, ReadOptions, Space, Stat, Storage, Watcher } from "./storage.js";
import { AREAS } from "./storage.js";
import { storageError } from "./storage-error.js";
import { watchWhenThere } from "./watch-when-there.js";

const INTERNAL_FOLDER = ".draftstate";
/** As much as a small save takes: a disk with room for a name alone is full. */
const PROBE_BYTES = 4096;
/** Of a process that was killed while it tried: they are nobody's. */
const LEFT_PROBE = /^\.tmp-[A-Za-z0-9]+-probe$/;
const ASIDE = /^\.tmp-[A-Za-z0-9]+-(.+)$/;

export interface FileStorageOptions {
  readonly stateDir: string;
  readonly backupDir: string;
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  /** Letters and digits, unique enough never to repeat. */
  readonly randomName: () => string;
  /** How this process presents itself to whoever finds its lock. */
  readonly command: string;
  readonly watch: (directory: string, listener: (name: string) => void) => Promise<Watcher>;
}

export class FileStorage implements Storage {
  readonly #directories: Record<Area, string>;
  readonly #locks: LockDirectory;
  readonly #lockDirectory: string;
  readonly #internal: string;

  constructor(private readonly options: FileStorageOptions) {
    const { stateDir, backupDir } = options;
    const internal = join(stateDir, INTERNAL_FOLDER);
    this.#directories = {
      state: stateDir,
      backup: backupDir,
      quarantine: join(internal, "quarantine"),
      trash: join(internal, "trash"),
      history: join(internal, "history"),
      metrics: join(internal, "metrics"),
    };
    this.#internal = internal;
    this.#lockDirectory = join(internal, "locks");
    this.#locks = new LockDirectory({ ...options, directory: this.#lockDirectory });
  }

  async prepare(): Promise<void> {
    await this.#explained(this.#internal, () => this.#refuseLinks());
    const directories = new Directories(this.options.fs);
    for (const directory of [...AREAS.map((area) => this.#directories[area]), this.#lockDirectory]) {
      await this.#explained(directory, () => directories.make(resolve(directory)));
    }
    for (const directory of directories.unsynced) await this.#explained(directory, () => directories.sync(directory));
  }

  async exists(): Promise<boolean> {
    const { stateDir, fs } = this.options;
    return this.#explained(stateDir, async () => (await fs.stat(stateDir)) !== undefined);
  }

  async read(key: Key, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return this.#reading(key, async (file) => {
      const { size } = await file.info();
      if (options.maxBytes !== undefined && size > options.maxBytes) {
        throw new DraftstateError("CORRUPT", `${this.describe(key)} has ${size} bytes, more than the limit of ${options.maxBytes}`, { path: this.describe(key) });
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
    return Promise.all(keys.map((key) => this.readEnd(key, length)));
  }

  async stat(key: Key): Promise<Stat | undefined> {
    const found = await this.#explained(this.describe(key), () => this.options.fs.stat(this.describe(key)));
    return found === undefined ? undefined : statOf(found);
  }

  async list(area: Area, { prefix = "", after, limit }: ListOptions = {}): Promise<string[]> {
    const names = (await this.#entries(this.#directories[area])).filter((name) => !name.startsWith(".") && name.startsWith(prefix) && (after === undefined || name > after));
    return names.sort().slice(0, limit);
  }

  get identity(): string {
    return this.options.stateDir;
  }

  pathOf(key: Key): string {
    return this.describe(key);
  }

  async replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    const path = this.describe(key);
    await this.#explained(path, () =>
      this.#withFileAside(key, content, async (aside) => {
        await guard?.assertHeld();
        await this.options.fs.rename(aside, path);
        await this.options.fs.syncDirectory(dirname(path));
      }),
    );
  }

  async create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    const path = this.describe(key);
    return this.#explained(path, () =>
      this.#withFileAside(key, content, async (aside) => {
        await guard?.assertHeld();
        return this.#linkDurably(aside, path);
      }),
    );
  }

  async move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    const [source, target] = [this.describe(from), this.describe(to)];
    return this.#explained(source, async () => {
      const { fs } = this.options;
      await this.#refuseLinks([from.area, to.area]);
      await guard?.assertHeld();
      try {
        if (!(await this.#linkDurably(source, target))) throw new DraftstateError("STORAGE", `${target} exists already`, { path: target });
      } catch (error) {
        const code = systemErrorCode(error);
        // A missing target directory is ENOENT too, and no reason to say that there is nothing to move.
        if (code === "ENOENT" && (await fs.stat(source)) === undefined) return false;
        if (code !== "EXDEV") throw error;
        const bytes = await this.read(from);
        if (bytes === undefined) return false;
        if (!(await this.create(to, bytes))) throw new DraftstateError("STORAGE", `${target} exists already`, { path: target });
      }
      try {
        await fs.unlink(source);
      } catch (error) {
        // What rejects has changed nothing, where it still stands under its old name.
        if ((await fs.stat(source)) !== undefined) await this.#unlink(target).catch(() => false);
        throw error;
      }
      await fs.syncDirectory(dirname(source));
      return true;
    });
  }

  async remove(key: Key, guard?: Lock): Promise<boolean> {
    return this.#explained(this.describe(key), async () => {
      await this.#refuseLinks([key.area]);
      await guard?.assertHeld();
      return this.#unlink(this.describe(key));
    });
  }

  async settle(area: Area): Promise<void> {
    const directory = this.#directories[area];
    await this.#explained(directory, () => this.options.fs.syncDirectory(directory));
  }

  async createLog(key: Key, first: Uint8Array = new Uint8Array(), guard?: Lock): Promise<Log> {
    const path = this.describe(key);
    return this.#explained(path, async () => {
      const aside = this.#aside(key);
      const file = await this.options.fs.createFile(aside);
      try {
        await file.write(first);
        await file.sync();
        await guard?.assertHeld();
        await this.options.fs.rename(aside, path);
        await this.options.fs.syncDirectory(dirname(path));
      } catch (error) {
        await file.close().catch(() => undefined);
        await this.#unlink(aside).catch(() => false);
        throw error;
      }
      return {
        append: (bytes) => this.#explained(path, () => file.write(bytes)),
        sync: () => this.#explained(path, () => file.sync()),
        close: () => this.#explained(path, () => file.close()),
      };
    });
  }

  async tryLock(name: string, since: Date, _options: LockOptions = {}): Promise<LockAttempt> {
    const path = this.#locks.pathOf(name);
    const attempt = await this.#explained(path, async () => {
      await refuseLinks(this.options.fs, [this.#internal, this.#lockDirectory]);
      return this.#locks.tryLock(name, since);
    });
    if (!attempt.acquired) return attempt;
    const { lock } = attempt;
    const explained: Lock = {
      name,
      holder: lock.holder,
      assertHeld: () => this.#explained(path, () => lock.assertHeld()),
      release: () => this.#explained(path, () => lock.release()),
    };
    return { ...attempt, lock: explained };
  }

  async lockHolder(name: string): Promise<LockHolder | undefined> {
    return this.#explained(this.#locks.pathOf(name), () => this.#locks.holder(name));
  }

  async locks(): Promise<FoundLock[]> {
    return this.#explained(this.#lockDirectory, () => this.#locks.all());
  }

  async probe(area: Area): Promise<boolean> {
    const directory = this.#directories[area];
    return this.#explained(directory, async () => {
      await this.#refuseLinks();
      const found = await this.options.fs.stat(directory);
      if (found === undefined && (await this.#isMissing(directory))) return false;
      for (const entry of await this.#entries(directory)) if (LEFT_PROBE.test(entry)) await this.#unlink(join(directory, entry));
      return this.#withFileAside({ area, name: "probe" }, new Uint8Array(PROBE_BYTES), () => Promise.resolve(true));
    });
  }

  async space(area: Area): Promise<Space | undefined> {
    const directory = this.#directories[area];
    return this.#explained(directory, () => this.options.fs.space(directory));
  }

  async sweep(name: string): Promise<string[]> {
    const removed = await this.#explained(this.#lockDirectory, () => this.#locks.sweep(name));
    const found = await Promise.all(AREAS.map(async (area) => ({ area, directory: this.#directories[area], entries: await this.#entries(this.#directories[area]) })));
    for (const { area, directory, entries } of found) {
      for (const entry of entries) {
        const target = ASIDE.exec(entry)?.[1];
        if (target === undefined || !belongsTo(area, target, name)) continue;
        if (await this.#unlink(join(directory, entry))) removed.push(join(directory, entry));
      }
    }
    return removed;
  }

  describe(key: Key): string {
    return join(this.#directories[key.area], key.name);
  }

  async watch(area: Area, listener: (change: Change) => void): Promise<Watcher> {
    const tell = (name: string): void => {
      if (!name.startsWith(".")) listener({ key: { area, name } });
    };
    return watchWhenThere({ ...this.options, directory: this.#directories[area], listener: tell });
  }

  async #refuseLinks(areas: readonly Area[] = AREAS): Promise<void> {
    const inside = areas.filter((area) => area !== "state" && area !== "backup").map((area) => this.#directories[area]);
    if (areas !== AREAS && inside.length === 0) return;
    await refuseLinks(this.options.fs, [this.#internal, this.#lockDirectory, ...inside]);
  }

  #aside(key: Key): string {
    return join(this.#directories[key.area], `.tmp-${this.options.randomName()}-${key.name}`);
  }

  async #withFileAside<T>(key: Key, content: Content, take: (aside: string) => Promise<T>): Promise<T> {
    const { fs } = this.options;
    await this.#refuseLinks([key.area]);
    const aside = this.#aside(key);
    const file = await fs.createFile(aside);
    try {
      try {
        await writeContent(file, content);
        await file.sync();
      } finally {
        await file.close();
      }
      return await take(aside);
    } finally {
      // After a rename there is nothing left aside; a failing clean-up must not hide the outcome.
      await this.#unlink(aside).catch(() => false);
    }
  }

  async #reading<T>(key: Key, use: (file: OpenFile) => Promise<T>): Promise<T | undefined> {
    const path = this.describe(key);
    return this.#explained(path, async () => {
      let file: OpenFile;
      try {
        file = await this.options.fs.openForReading(path);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        throw error;
      }
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    });
  }

  async #entries(directory: string): Promise<string[]> {
    return this.#explained(directory, async () => {
      try {
        return await this.options.fs.list(directory);
      } catch (error) {
        if (systemErrorCode(error) === "ENOENT") return [];
        throw error;
      }
    });
  }

  /** Not there, as opposed to not to be had: a part of its path is no directory, or a link leads nowhere. */
  async #isMissing(directory: string): Promise<boolean> {
    for (let at = directory; ; at = dirname(at)) {
      const found = await this.options.fs.stat(at);
      if (found !== undefined) return found.kind === "directory" || found.kind === "link";
      if (dirname(at) === at) return true;
    }
  }

  /** A name whose directory could not be synced is taken back: what rejects has changed nothing. */
  async #linkDurably(from: string, to: string): Promise<boolean> {
    if (!(await this.#link(from, to))) return false;
    try {
      await this.options.fs.syncDirectory(dirname(to));
    } catch (error) {
      await this.#unlink(to).catch(() => false);
      throw error;
    }
    return true;
  }

  async #link(from: string, to: string): Promise<boolean> {
    try {
      await this.options.fs.link(from, to);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST") return false;
      throw error;
    }
  }

  async #unlink(path: string): Promise<boolean> {
    try {
      await this.options.fs.unlink(path);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  async #explained<T>(path: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw storageError(path, error);
    }
  }
}

function statOf({ size, modifiedAt }: Pick<Stat, "size" | "modifiedAt">): Stat {
  return { size, modifiedAt, version: `${size} ${modifiedAt.getTime()}` };
}

const TIMESTAMP = String.raw`\d{4}-\d\d-\d\dT[^_.]*`;

/** Whether a file is one of this name's own, as opposed to one of a longer name that begins alike. */
function belongsTo(area: Area, target: string, name: string): boolean {
  const escaped = name.replaceAll(/[.\\^$*+?()[\]{}|]/g, String.raw`\$&`);
  const state = String.raw`${escaped}\.(?:json|journal)`;
  const backup = String.raw`${escaped}_${TIMESTAMP}\.json(?:\.\w+)?`;
  const patterns: Readonly<Record<Area, string>> = {
    state,
    backup,
    quarantine: String.raw`${state}\.${TIMESTAMP}`,
    // Nobody's but the terminal's, which replaces it whole.
    history: "(?!)",
    metrics: String.raw`${escaped}\.json`,
    trash: String.raw`${TIMESTAMP}_(?:operation_${escaped}\.json|state_${state}|backup_${backup})`,
  };
  return new RegExp(`^(?:${patterns[area]})$`).test(target);
}

/** A part is made while the one before is on its way. What is on its way is waited for, whatever happens: the file is closed next. */
async function writeContent(file: OpenFile, content: Content): Promise<void> {
  let writing = Promise.resolve();
  try {
    for await (const part of content instanceof Uint8Array ? [content] : content) {
      await writing;
      writing = file.write(part);
      // Waited for in the next round.
      writing.catch(() => undefined);
    }
  } finally {
    await writing;
  }
}
