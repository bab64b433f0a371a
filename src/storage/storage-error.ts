/** Turns an operating system's refusal into a `STORAGE` error that says what to do. */
import { platform } from "node:os";
import { DraftstateError, messageOf, systemErrorCode } from "../errors.js";
import { isInUse } from "./retry.js";

const FULL: Readonly<Record<string, string>> = { ENOSPC: "the disk is full", EDQUOT: "the disk quota is used up" };

const ADVICE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(FULL).map(([code, what]) => [code, `${what}: free some space`])),
  EROFS: "the file system is read-only: choose another stateDir",
  EACCES: "permission denied: check the owner and mode, or choose another stateDir",
  EPERM: "operation not permitted: check the owner and mode, or choose another stateDir",
  ENOTDIR: "a part of the path is not a directory: choose another stateDir",
  ENOENT: "it was removed while it was being written: it or its directory was deleted",
  EEXIST: "something that is not a directory stands in the way: move it, or choose another stateDir",
  ENAMETOOLONG: "the path is too long: choose a shorter stateDir or id",
  EIO: "the disk reports an input/output error: check it, and keep a copy elsewhere",
};

const IN_USE =
  "another program, such as a virus scanner or a backup, has it open: close that, or run the command again";

/** The system denies it to this process; another user, or another mount, may be allowed. */
export function isForbidden(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "EACCES" || code === "EPERM" || code === "EROFS";
}

/** The act, with what the system refuses explained. */
export async function explained<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw storageError(path, error);
  }
}

/** Why something was not done, where that is told with what comes of it: no path and no advice for a full disk. */
export function reasonOf(error: unknown): string {
  const code = error instanceof DraftstateError ? (systemErrorCode(error.cause) ?? "") : "";
  const full = FULL[code];
  return full === undefined ? messageOf(error) : `${full} (${code})`;
}

export function storageError(path: string, error: unknown, system: NodeJS.Platform = platform()): unknown {
  if (error instanceof DraftstateError) return error;
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const advice = isInUse(error, system) ? IN_USE : (ADVICE[code] ?? messageOf(error));
  return new DraftstateError("STORAGE", `${path}: ${advice} (${code})`, { path, cause: error });
}
