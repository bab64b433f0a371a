/** The one switch from what went wrong to the exit status, as docs/scripting.md lists them. */
import { isDraftstateError, type ErrorCode } from "../errors.js";

const STATUS: Readonly<Record<ErrorCode, number>> = {
  USAGE: 2,
  INVALID_ID: 2,
  INVALID_CONFIG: 2,
  INVALID_STATE: 2,
  NOT_FOUND: 3,
  CORRUPT: 4,
  NEWER_VERSION: 4,
  LOCKED: 5,
  MODEL: 6,
  STORAGE: 7,
};

export const INTERRUPTED = 130;

export function exitStatusOf(error: unknown): number {
  return isDraftstateError(error) ? STATUS[error.code] : 1;
}
