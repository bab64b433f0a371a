/** The refusal of what a newer version wrote (G8): it is neither used nor replaced, and nothing older stands in for it. */
import { DraftstateError } from "../errors.js";

/** `detail` says what was found in the file. */
export function newerVersion(path: string, detail: string): DraftstateError {
  return new DraftstateError(
    "NEWER_VERSION",
    `${path} was written by a newer version (${detail}): update draftstate to use it; nothing was changed`,
    { path },
  );
}
