/**
 * What a person allowed for good in one conversation: a file in the user's own configuration directory for each tool, named by the
 * hash of store, conversation and tool. It is not in the conversation, so that none that was imported, cloned or copied brings its
 * own permissions; and a removal or an import forgets those of its id, since an imported file states the id and times it likes.
 */
import { join } from "node:path";
import { isDraftstateError } from "../../errors.js";
import { isJsonObject } from "../../model/json.js";
import { contentHash } from "../../storage/content-hash.js";
import { nodeFileSystem } from "../../storage/fs/node-file-system.js";
import { isThere } from "../../storage/fs/paths.js";
import { uniqueName } from "../../storage/index.js";
import { exposureOfFile } from "../../storage/ownership.js";
import { readTextAtOnce, writeUserFile } from "../../storage/user-file.js";
import { makeDirectories, namesIn } from "../settings/trust-record.js";

const DIRECTORY = "allowed-tools";
const MAX_BYTES = 64 * 1024;

export interface AllowedTool {
  /** The store's identity. */
  readonly store: string;
  readonly conversationId: string;
  /** Of the conversation: a later one of the same id is another. */
  readonly createdAt: string;
  /** `server/tool`. */
  readonly tool: string;
}

function recordOf(directory: string, { store, conversationId, createdAt, tool }: AllowedTool): string {
  return join(directory, DIRECTORY, contentHash(store, conversationId, createdAt, tool));
}

/** A record that another user could have made does not count, and neither does one that cannot be read. */
export function isAllowed(directory: string, allowed: AllowedTool): boolean {
  const record = recordOf(directory, allowed);
  try {
    return isThere(record) && exposureOfFile(record) === undefined;
  } catch {
    return false;
  }
}

export async function allow(directory: string, allowed: AllowedTool): Promise<void> {
  const record = recordOf(directory, allowed);
  await makeDirectories(join(record, ".."));
  const { conversationId, tool } = allowed;
  try {
    const bytes = Buffer.from(`${JSON.stringify({ conversationId, tool })}\n`);
    await writeUserFile({ path: record, bytes, overwrite: false, unique: uniqueName() });
  } catch (error) {
    // It is there already.
    if (!isDraftstateError(error, "USAGE")) throw error;
  }
}

/** In every store: what is forgotten is asked again. */
export async function forgetAllowed(directory: string, ids: ReadonlySet<string>): Promise<void> {
  const records = join(directory, DIRECTORY);
  for (const name of await namesIn(records)) {
    const record = join(records, name);
    const id = conversationOf(readTextAtOnce(record, MAX_BYTES));
    // One that cannot be read is of any conversation.
    if (id === undefined || ids.has(id)) await nodeFileSystem.unlink(record);
  }
}

function conversationOf(text: string | undefined): string | undefined {
  try {
    const record: unknown = JSON.parse(text ?? "");
    const id = isJsonObject(record) ? record["conversationId"] : undefined;
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
