/**
 * The `.gitignore` of a new directory of conversations or backups: chats do not end up in a repository by `git add`. Only a
 * directory that we made gets one, since it hides all that will ever be there: a person may give an empty one for a project of
 * their own. It takes its name in one step, and where a process died before that, the next one begins again.
 */
import { join } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { nameAside, unguarded, type FileWriter } from "./file-writer.js";
import { isForbidden } from "./storage-error.js";

const NAME = ".gitignore";
const CONTENT = Buffer.from("# Keeps chats out of git; remove this file to commit them.\n*\n");
const ATTEMPTS = 3;

export async function keepOutOfGit(
  fs: FileSystem,
  writer: FileWriter,
  directory: string,
  isMade: boolean,
): Promise<void> {
  const entries = await fs.list(directory);
  const left = entries.filter((entry) => nameAside(entry) === NAME);
  const isOurs = isMade || left.length > 0;
  if (!isOurs || left.length < entries.length) return;
  for (const entry of left) await writer.unlink(join(directory, entry));
  await write(writer, join(directory, NAME));
}

async function write(writer: FileWriter, path: string, attempt = 1): Promise<void> {
  try {
    await writer.replace(path, CONTENT, unguarded(path));
  } catch (error) {
    // Another process took what this one wrote aside for that of a dead one.
    if (systemErrorCode(error) === "ENOENT" && attempt < ATTEMPTS) return write(writer, path, attempt + 1);
    // A directory of others, which may only be read: whatever is to be written there will say so.
    if (!isForbidden(error)) throw error;
  }
}
