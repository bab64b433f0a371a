/**
 * Gives a finished file a name that must be free, in one step: a hard link, which fails where the name is taken.
 *
 * File systems without hard links (exFAT, some network and container mounts) get a look and a rename instead. Readers
 * still see nothing or the whole file, but only writers that share `alone` are kept apart: one that does not, such as
 * another program, can lose its file to the rename if it takes the name between the look and the rename.
 */
import { dirname } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";

export interface FreeName {
  readonly from: string;
  readonly to: string;
  /** Runs at the last moment before the name is taken; what it throws leaves everything as it is. */
  readonly check: () => Promise<void>;
  /** Runs the act while no other writer takes this name. Used where there are no hard links. */
  readonly alone: <T>(act: () => Promise<T>) => Promise<T>;
}

/** `linked` leaves the old name in place, `renamed` does not. */
export type TakenName = "linked" | "renamed" | "taken";

const UNSUPPORTED = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Whether a link was refused because this file system, or this file, can have no further hard link. */
export function linksAreMissing(error: unknown, from: string, to: string): boolean {
  const code = systemErrorCode(error) ?? "";
  // Within a directory nothing crosses file systems: some layered ones say it of every link.
  return UNSUPPORTED.has(code) || (code === "EXDEV" && dirname(from) === dirname(to));
}

/** False where the name is taken. */
export async function linkIfFree(fs: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

export async function takeFreeName(fs: FileSystem, { from, to, check, alone }: FreeName): Promise<TakenName> {
  try {
    await check();
    return (await linkIfFree(fs, from, to)) ? "linked" : "taken";
  } catch (error) {
    if (!linksAreMissing(error, from, to)) throw error;
  }
  return alone(async () => {
    if ((await fs.stat(to)) !== undefined) return "taken";
    await check();
    await fs.rename(from, to);
    return "renamed";
  });
}
