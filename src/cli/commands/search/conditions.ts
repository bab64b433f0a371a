/** The conditions of a search that a conversation's metadata decide. */
import type { Metadata } from "../../../model/conversation.js";

/** `since`: ISO 8601. */
export function wantsMetadata(status: string | undefined, since: string | undefined): (metadata: Metadata) => boolean {
  return (metadata) =>
    (status === undefined || metadata.status === status) && (since === undefined || metadata.savedAt >= since);
}
