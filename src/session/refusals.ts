/** What a session refuses to take, in words that say what to do instead. */
import { DraftstateError } from "../errors.js";
import type { InfoChange } from "../journal/record.js";

/** Keeps `_metadata` small enough to be read from the end of a file. */
const MAX_INFO_LENGTH = 2000;

export function assertShort(change: InfoChange): void {
  for (const [field, value] of Object.entries(change)) {
    if (typeof value === "string" && value.length > MAX_INFO_LENGTH)
      throw new DraftstateError(
        "INVALID_STATE",
        `${field} has ${value.length} characters, more than ${MAX_INFO_LENGTH}; nothing was saved`,
      );
  }
}

export function closedError(id: string): DraftstateError {
  return new DraftstateError("USAGE", `conversation ${id} is closed: open it again to change it`);
}

export function answeringError(id: string): DraftstateError {
  return new DraftstateError(
    "LOCKED",
    `conversation ${id} is in the middle of an answer: wait for its end, or stop it`,
  );
}

/** A whole state from outside does not hold the tokens that came since. */
export function notReplaceableError(id: string): DraftstateError {
  return new DraftstateError(
    "LOCKED",
    `conversation ${id} is in the middle of an answer, whose tokens are saved as they come: change what is yours with update(), or save when it has ended; nothing was replaced`,
  );
}

/** No end would make a message of the text, and the next answer would drop it. */
export function noAnswerError(id: string): DraftstateError {
  return new DraftstateError(
    "USAGE",
    `no answer is under way in conversation ${id}: begin one with recordAnswer(), or by update() with beginTurn; nothing was saved`,
  );
}

/** What follows the last revision that a file may name could be written, and never read again. */
export function noRevisionError(id: string): DraftstateError {
  return new DraftstateError(
    "INVALID_STATE",
    `conversation ${id} has no revision left to count a change by: continue in a copy with manager.fork("${id}"); nothing was saved`,
  );
}

/** A spill is not the store yet: were it forked, a backup of it would be of another history. */
export function spilledError(id: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `conversation ${id} cannot be saved to its store at present and is in the fallback directory: try again when the store can be written`,
  );
}
