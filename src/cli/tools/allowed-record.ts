/**
 * What a person allowed for good in one conversation: a file in the user's own configuration directory for each tool, named by the
 * hash of store, conversation and tool. It is not in the conversation, so that none that was imported, cloned or copied brings its
 * own permissions.
 */
import { join } from "node:path";
import { isDraftstateError } from "../../errors.js";
import { contentHash } from "../../storage/content-hash.js";
import { isThere } from "../../storage/fs.js";
import { uniqueName } from "../../storage/index.js";
import { exposureOfFile } from "../../storage/ownership.js";
import { writeUserFile } from "../../storage/user-file.js";
import { makeDirectories } from "../settings/trust-record.js";

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
  return join(directory, "allowed-tools", contentHash(store, conversationId, createdAt, tool));
}

/** A record that somebody else could have made is none. */
export function isAllowed(directory: string, allowed: AllowedTool): boolean {
  const record = recordOf(directory, allowed);
  return isThere(record) && exposureOfFile(record) === undefined;
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
