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
  return new DraftstateError(
    "STORAGE",
    `${path} is missing, and ${fallbackDir} holds changes of its conversations that could not be saved to it: mount it, or name the right stateDir; if it was deleted, create it empty and what was spilled is used`,
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
