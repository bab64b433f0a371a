/**
 * The directories that are ours alone, under `.draftstate`. The two directories that a person names may be links; what
 * is inside them may not, or another user's link would decide where conversations, locks and trash are written.
 */
import { DraftstateError } from "../errors.js";
import type { FileSystem } from "./file-system.js";

/** Throws `STORAGE` for the first that is a link; a missing one does not count. */
export async function refuseLinks(fs: Pick<FileSystem, "stat">, directories: readonly string[]): Promise<void> {
  const found = await Promise.all(directories.map(async (path) => ({ path, kind: (await fs.stat(path))?.kind })));
  const link = found.find(({ kind }) => kind === "link");
  if (link === undefined) return;
  const { path } = link;
  throw new DraftstateError(
    "STORAGE",
    `${path} is a symbolic link, and nothing is written through one: put a directory in its place`,
    { path },
  );
}
