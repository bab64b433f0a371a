/**
 * Makes directories durably: each missing one, then a sync of every directory that holds one of them. Those that exist
 * are synced in their parents too, since whoever made them may have died before he did.
 */
import { dirname } from "node:path";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";

/** Directories that hold those we need, and whether we made one in them. */
export type Parents = Map<string, "made" | "found">;

/** With those above it that are missing. Durable once `parents` are synced. EEXIST where something else has the name. */
export async function makeDirectory(fs: FileSystem, path: string, parents: Parents): Promise<void> {
  const parent = dirname(path);
  if (await fs.hasDirectory(path)) {
    if (!parents.has(parent)) parents.set(parent, "found");
    return;
  }
  if (parent !== path && !(await fs.hasDirectory(parent))) await makeDirectory(fs, parent, parents);
  await fs.makeDirectory(path);
  parents.set(parent, "made");
}

/** A parent that was there before us may be one that we must not read: then it is not ours to sync. */
export async function syncParent(fs: FileSystem, parent: string, outcome: "made" | "found"): Promise<void> {
  try {
    await fs.syncDirectory(parent);
  } catch (error) {
    const code = systemErrorCode(error);
    if (outcome === "made" || (code !== "EACCES" && code !== "EPERM" && code !== "EROFS")) throw error;
  }
}
