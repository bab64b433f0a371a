/**
 * Which settings files the user trusts: one file for each in the user's own configuration directory, named by the hash of
 * real path and content. So a change of either ends the trust, and two processes cannot lose each other's records.
 */
import { join } from "node:path";
import { isDraftstateError, systemErrorCode } from "../../errors.js";
import { contentHash } from "../../storage/content-hash.js";
import { nodeFileSystem } from "../../storage/fs/node-file-system.js";
import { isThere, realPathOf } from "../../storage/fs/paths.js";
import { uniqueName } from "../../storage/index.js";
import { exposureOfFile } from "../../storage/ownership.js";
import { readTextAtOnce, writeUserFile } from "../../storage/user-file.js";

const DIRECTORY = "trusted";
const MAX_BYTES = 64 * 1024;

export interface TrustableFile {
  readonly path: string;
  /** All that its settings are read from. */
  readonly content: string;
}

function recordOf(directory: string, { path, content }: TrustableFile): string {
  return join(directory, DIRECTORY, contentHash(realPathOf(path) ?? path, content));
}

/** A record that another user could have written does not count. */
export function isTrusted(directory: string, file: TrustableFile): boolean {
  const record = recordOf(directory, file);
  return isThere(record) && exposureOfFile(record) === undefined;
}

/** The path of the record; earlier ones of the same path are removed. */
export async function trust(directory: string, file: TrustableFile): Promise<string> {
  const record = recordOf(directory, file);
  await makeDirectories(join(directory, DIRECTORY));
  await untrust(directory, file.path);
  const bytes = Buffer.from(`${realPathOf(file.path) ?? file.path}\n`);
  try {
    await writeUserFile({ path: record, bytes, overwrite: false, unique: uniqueName() });
  } catch (error) {
    // Another process was faster.
    if (!isDraftstateError(error, "USAGE")) throw error;
  }
  return record;
}

/** How many records were removed. The file need not exist any more. */
export async function untrust(directory: string, path: string): Promise<number> {
  const records = join(directory, DIRECTORY);
  const real = realPathOf(path) ?? path;
  let removed = 0;
  for (const name of await namesIn(records)) {
    const record = join(records, name);
    if (readTextAtOnce(record, MAX_BYTES)?.trimEnd() !== real) continue;
    await nodeFileSystem.unlink(record);
    removed += 1;
  }
  return removed;
}

/** None where the directory is missing. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await nodeFileSystem.list(directory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

export async function makeDirectories(path: string): Promise<void> {
  const above = join(path, "..");
  if (!isThere(above)) await makeDirectories(above);
  await nodeFileSystem.makeDirectory(path);
}
