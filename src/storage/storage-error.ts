/** Turns an operating system's refusal into a `STORAGE` error that says what to do. */
import { DraftstateError, messageOf, systemErrorCode } from "../errors.js";

const ADVICE: Record<string, string> = {
  ENOSPC: "the disk is full: free some space and run the command again",
  EDQUOT: "the disk quota is used up: free some space and run the command again",
  EROFS: "the file system is read-only: choose another --state-dir",
  EACCES: "permission denied: check the owner and mode, or choose another --state-dir",
  EPERM: "operation not permitted: check the owner and mode, or choose another --state-dir",
  ENOTDIR: "a part of the path is not a directory: choose another --state-dir",
  EEXIST: "something that is not a directory stands in the way: move it, or choose another --state-dir",
  ENAMETOOLONG: "the path is too long: choose a shorter --state-dir or id",
  EIO: "the disk reports an input/output error: check it, and keep a copy elsewhere",
};

export function storageError(path: string, error: unknown): unknown {
  if (error instanceof DraftstateError) return error;
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const advice = ADVICE[code] ?? messageOf(error);
  return new DraftstateError("STORAGE", `${path}: ${advice} (${code})`, { path, cause: error });
}
