/** Where the areas of a store are on disk, made once and then only checked: a directory that goes away later, as with an unmounted disk, is never replaced by an empty one. */
import { join, resolve } from "node:path";
import { systemErrorCode } from "../errors.js";
import { Directories, isGone } from "./directories.js";
import type { FileSystem } from "./file-system.js";
import { refuseLinks } from "./internal-directories.js";
import { AREAS, type Area } from "./storage.js";
import { explained } from "./storage-error.js";

const INTERNAL_FOLDER = ".draftstate";

/** Where a store keeps what is its own; there once it was begun. */
export function internalOf(stateDir: string): string {
  return join(stateDir, INTERNAL_FOLDER);
}

export class FileAreas {
  readonly internal: string;
  readonly locks: string;
  readonly #directories: Record<Area, string>;
  #made = false;
  /** Whether this process saw the state directory: it is never made anew, and nothing is concluded from its absence. */
  #wasSeen = false;
  #madeBackupAnew = false;
  /** Made here, also where the rest failed. */
  readonly #ours = new Set<string>();

  constructor(
    private readonly fs: FileSystem,
    stateDir: string,
    backupDir: string,
  ) {
    this.internal = internalOf(stateDir);
    this.locks = join(this.internal, "locks");
    this.#directories = {
      state: stateDir,
      backup: backupDir,
      quarantine: join(this.internal, "quarantine"),
      trash: join(this.internal, "trash"),
      history: join(this.internal, "history"),
      metrics: join(this.internal, "metrics"),
    };
  }

  /** Whether this process made, or found, all of them. */
  get made(): boolean {
    return this.#made;
  }

  directoryOf(area: Area): string {
    return this.#directories[area];
  }

  /** Something is in this area, so that its directory is there. */
  seen(area: Area): void {
    if (area !== "backup") this.#wasSeen = true;
  }

  /** Nothing was found in the area. Rejects where that is no absence: a link that leads nowhere, or a state directory that was seen and is gone. */
  async assertAbsent(area: Area): Promise<void> {
    const { state, backup } = this.#directories;
    const directory = area === "backup" ? backup : state;
    if (await explained(directory, () => this.fs.hasDirectory(directory))) return;
    if (area !== "backup" && this.#wasSeen) throw isGone(directory);
  }

  /** `found`: the state directory was there a moment ago, and is not made. `begin` is told of the two that a person names, if new, and whether they were made here. */
  async prepare(found: boolean, begin: (directory: string, isMade: boolean) => Promise<void>): Promise<void> {
    await this.refuseLinks();
    if (this.#made) {
      for (const directory of this.#all()) await this.#assertThere(directory);
      return;
    }
    // Made last: while it is missing, a process may have died before the others were begun.
    const isBegun = await this.#isThere(this.internal);
    const isWithoutBackups = isBegun && !(await this.#isThere(this.#directories.backup));
    const directories = new Directories(this.fs, found || this.#wasSeen ? resolve(this.#directories.state) : undefined);
    for (const directory of this.#all())
      await explained(directory, async () => {
        if (!(await this.#isThere(directory))) this.#ours.add(directory);
        await directories.make(resolve(directory));
        const isOurs = this.#ours.has(directory);
        if ((isOurs || !isBegun) && this.#isNamed(directory)) await begin(directory, isOurs);
      });
    for (const directory of directories.unsynced) await explained(directory, () => directories.sync(directory));
    this.#made = true;
    this.#madeBackupAnew = isWithoutBackups;
  }

  /** Whether the directory of backups is there, and the one that was there before: not one that this process made in its place. */
  async isBackupInReach(): Promise<boolean> {
    const { backup } = this.#directories;
    return !this.#madeBackupAnew && (await explained(backup, () => this.fs.hasDirectory(backup)));
  }

  #isNamed(directory: string): boolean {
    return [this.#directories.state, this.#directories.backup].includes(directory);
  }

  /** Not where something else has the name, which making the directory then says. */
  #isThere(directory: string): Promise<boolean> {
    return this.fs.hasDirectory(directory).catch(() => false);
  }

  /** Those of the two that a person names may be links; the others may not. */
  async refuseLinks(areas: readonly Area[] = AREAS): Promise<void> {
    const inside = areas.filter((area) => area !== "state" && area !== "backup").map((area) => this.#directories[area]);
    if (areas !== AREAS && inside.length === 0) return;
    await refuseLinks(this.fs, [this.internal, this.locks, ...inside]);
  }

  #all(): readonly string[] {
    return [...AREAS.map((area) => this.#directories[area]), this.locks];
  }

  async #assertThere(directory: string): Promise<void> {
    const isThere = await explained(directory, () => this.fs.hasDirectory(directory).catch(missingWhereItLeadsNowhere));
    if (!isThere) throw isGone(directory);
  }
}

/** A link to a directory that is away. */
function missingWhereItLeadsNowhere(error: unknown): boolean {
  if (systemErrorCode(error) === "ENOENT") return false;
  throw error;
}
