/**
 * The directories that are ours alone, under `.draftstate`. The two directories that a person names may be links; what
 * is inside them may not, or somebody else's link would decide where conversations, locks and trash are written.
 */
import { DraftstateError } from "../errors.js";
import type { FileSystem } from "./file-system.js";

/** Throws `STORAGE` for the first that is a link; one that is missing is none. */
export async function refuseLinks(fs: Pick<FileSystem, "stat">, directories: readonly string[]): Promise<void> {
  for (const path of directories) {
    const found = await fs.stat(path);
    if (found?.kind === "link") {
      throw new DraftstateError("STORAGE", `${path} is a symbolic link, and nothing is written through one: put a directory in its place`, { path });
    }
  }
}
