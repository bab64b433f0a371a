/** A directory of the store that is out of reach: nothing is concluded from its absence, and none is made in its place. */
import { DraftstateError } from "../errors.js";
import type { Key, Storage } from "../storage/storage.js";
import { parseBackupName } from "./names.js";
import type { Spills } from "./spills.js";

interface Places {
  readonly storage: Storage;
  readonly spills: Spills | undefined;
}

/** Backups without the directory that they are backups of: it is away, or a new one that is to have backups of its own. */
export function storeIsMissing(storage: Storage): DraftstateError {
  const path = storage.describe({ area: "state", name: "" });
  const backups = storage.describe({ area: "backup", name: "" });
  const remedy =
    storage.server === undefined
      ? "mount it, or name the right stateDir; if it was deleted, create it empty and the backups are used; a new store needs a backupDir of its own"
      : "restore its schema on the server, or give the right storage; if it was dropped for good, make it anew with manager.copyTo()";
  return new DraftstateError(
    "STORAGE",
    `${path} is missing, and ${backups} holds backups of conversations that are not in it: ${remedy}`,
    { path },
  );
}

/** Throws `STORAGE` where the state directory is missing, and backups or spills of its conversations are there. */
export async function assertStoreInReach({ storage, spills }: Places): Promise<void> {
  const isKnown = (await storage.list("backup")).some((name) => parseBackupName(name) !== undefined);
  const isElsewhere = isKnown || (await spills?.continueSomething()) === true;
  // Another process may have begun the store since, and left both.
  if (!isElsewhere || (await storage.exists())) return;
  throw isKnown ? storeIsMissing(storage) : spilledStoreIsMissing(storage, spills?.directory ?? "");
}

/** Only the fallback tells that there was one. */
function spilledStoreIsMissing(storage: Storage, fallbackDir: string): DraftstateError {
  const path = storage.describe({ area: "state", name: "" });
  const remedy =
    storage.server === undefined
      ? "mount it, or name the right stateDir; if it was deleted, create it empty and what was spilled is used"
      : "restore its schema on the server, or give the right storage; if it was dropped for good, make it anew with manager.copyTo() and what was spilled is used";
  return new DraftstateError(
    "STORAGE",
    `${path} is missing, and ${fallbackDir} holds changes of its conversations that could not be saved to it: ${remedy}`,
    { path },
  );
}

/**
 * For a conversation none of whose files was found: whether it is absent indeed. Throws `STORAGE` where the state directory is
 * missing from a store with backups, be they of others; false where the directory, or the conversation, is there by now.
 */
export async function isAbsent(storage: Storage, keys: readonly Key[]): Promise<boolean> {
  if (!(await storage.exists())) await assertStoreInReach({ storage, spills: undefined });
  const stats = await Promise.all(keys.map((key) => storage.stat(key)));
  return stats.every((stat) => stat === undefined);
}

/**
 * Whether the store was seen in this process. Until then nothing is found, or not found, before it is known not to be away; from then
 * on the storage itself refuses to read what is gone.
 */
export class Reach {
  #isSeen = false;
  #looking: Promise<boolean> | undefined;

  constructor(private readonly places: Places) {}

  /** At once where the store was seen; those that came before run in the order in which they came. Throws `STORAGE` as `assertStoreInReach` does. */
  within<T>(act: () => Promise<T>): Promise<T> {
    if (this.#isSeen) return act();
    const first = this.#looking === undefined;
    this.#looking ??= this.#look();
    const result = this.#looking.then(act);
    if (first) this.#settle(this.#looking);
    return result;
  }

  /** It was made ready for writing: it is there, and nothing has to look before it acts. */
  seen(): void {
    this.#isSeen = true;
  }

  async assert(): Promise<void> {
    await this.within(() => Promise.resolve());
  }

  async #look(): Promise<boolean> {
    const isThere = await this.places.storage.exists();
    if (!isThere) await assertStoreInReach(this.places);
    return isThere;
  }

  /** Behind the first that waits, so that none overtakes it. */
  #settle(looking: Promise<boolean>): void {
    const done = (isSeen: boolean): void => {
      this.#isSeen = isSeen;
      this.#looking = undefined;
    };
    looking.then(done, () => {
      done(false);
    });
  }
}

/** Throws `STORAGE` where the store has been used, and the directory of its backups is missing. */
export async function assertBackupsInReach(storage: Storage): Promise<void> {
  if (await areBackupsAway(storage)) throw backupsAreMissing(storage);
}

/** Looked for in this order: another process may be making them, the one for backups first. */
export async function areBackupsAway(storage: Storage): Promise<boolean> {
  return (await storage.exists("trash")) && !(await storage.exists("backup"));
}

/** For what was there a moment ago: throws `STORAGE` where all of the trash is gone. */
export async function assertTrashInReach(storage: Storage): Promise<void> {
  if (!(await storage.exists("trash"))) throw trashIsMissing(storage);
}

/** What an operation kept is missing because all of the trash is. */
function trashIsMissing(storage: Storage): DraftstateError {
  const path = storage.describe({ area: "trash", name: "" });
  return new DraftstateError(
    "STORAGE",
    `${path} is missing, and with it what an undo needs: nothing was undone; mount it and try again`,
    { path },
  );
}

function backupsAreMissing(storage: Storage): DraftstateError {
  const path = storage.describe({ area: "backup", name: "" });
  return new DraftstateError(
    "STORAGE",
    `${path} is missing, and with it the backups of this store: mount it, or name the right backupDir; if it was deleted, create it empty`,
    { path },
  );
}
