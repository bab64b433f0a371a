/**
 * Makes directories durably, level by level: none is made before the one above it is durable. So of directories that a
 * process left and died, only the last can be one that a power loss takes back, and it is synced again by the next.
 */
import { dirname } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";

/** Gives the directory that holds it where it was there already: durable is what we need once that is synced, too. */
export async function makeDirectory(fs: FileSystem, path: string): Promise<string | undefined> {
  const parent = dirname(path);
  if (await fs.hasDirectory(path)) return parent;
  if (parent !== path) {
    const above = await makeDirectory(fs, parent);
    if (above !== undefined) await syncFound(fs, above);
  }
  await fs.makeDirectory(path);
  await fs.syncDirectory(parent);
  return undefined;
}

/** For directories that were there before us. One that we must not read is not ours to sync. */
export async function syncFound(fs: FileSystem, directory: string): Promise<void> {
  try {
    await fs.syncDirectory(directory);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
  }
}
