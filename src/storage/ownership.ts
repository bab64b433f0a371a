/**
 * Who else may change a file or directory: by its owner, its mode, and the directories above it. Says why, for a message.
 * Root counts as the user: it may change anything. Where there are no such owners and modes (Windows), nothing is found.
 */
import { dirname, resolve } from "node:path";
import { attributesOf, type Attributes } from "./fs/paths.js";
import { thisUser } from "./system.js";

export interface User {
  readonly uid: number;
  readonly gid: number;
}

const [BY_GROUP, BY_ALL, STICKY] = [0o020, 0o002, 0o1000];

function isForeign({ uid }: Attributes, user: User): boolean {
  return uid !== user.uid && uid !== 0;
}

/** A group that has the number of its user is, by custom, that user's alone. */
function othersMayWrite({ mode, gid }: Attributes, user: User): boolean {
  if ((mode & BY_ALL) !== 0) return true;
  return (mode & BY_GROUP) !== 0 && !(gid === user.gid && user.gid === user.uid);
}

/** Why what is at the path is not the user's alone: a clause such as "it belongs to another user (uid 7)". Links are followed. */
export function exposureOf(path: string, user: User | undefined = thisUser()): string | undefined {
  const found = user === undefined ? undefined : attributesOf(path);
  return user === undefined || found === undefined ? undefined : exposureIn(found, user);
}

export function exposureIn(found: Attributes, user: User): string | undefined {
  if (isForeign(found, user)) return `it belongs to another user (uid ${found.uid})`;
  // Writing to a device or a FIFO changes nothing that is kept.
  return !found.isOther && othersMayWrite(found, user) ? `others may write it (mode ${shown(found.mode)})` : undefined;
}

/** The same of a file, its directory, and those above: a user who may write one of these may replace the file. */
export function exposureOfFile(path: string, user: User | undefined = thisUser()): string | undefined {
  if (user === undefined) return undefined;
  return exposureOf(path, user) ?? exposureOfPlace(dirname(resolve(path)), user);
}

function exposureOfPlace(directory: string, user: User): string | undefined {
  const why = exposureOf(directory, user);
  if (why !== undefined) return `its directory ${directory} is not yours alone: ${why}`;
  for (let above = dirname(directory); ; above = dirname(above)) {
    const found = attributesOf(above);
    // In a sticky directory no user replaces another's files.
    if (found !== undefined && (found.mode & BY_ALL) !== 0 && (found.mode & STICKY) === 0)
      return `others may write ${above}, a directory above it (mode ${shown(found.mode)})`;
    if (above === dirname(above)) return undefined;
  }
}

function shown(mode: number): string {
  return (mode & 0o7777).toString(8);
}
