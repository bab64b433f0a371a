/** The code of what something throws or rejects with: what tests assert, and the whole error where it has none. */
import { DraftstateError } from "../../src/errors.js";

function codeOf(error: unknown): unknown {
  return error instanceof DraftstateError ? error.code : error;
}

export function codeThrown(act: () => unknown): unknown {
  try {
    act();
    return "nothing was thrown";
  } catch (error) {
    return codeOf(error);
  }
}

export function codeRejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => "it resolved", codeOf);
}
