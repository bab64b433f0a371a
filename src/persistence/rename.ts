/** A new title. The old one is remembered, so that the rename can be undone. */
import { DraftstateError } from "../errors.js";
import type { Conversation } from "./conversation-handle.js";
import type { Trash } from "./trash.js";

export async function rename(conversation: Conversation, title: string, trash: Trash): Promise<number> {
  const wanted = title.trim().replaceAll(/\s+/g, " ");
  if (wanted === "") throw new DraftstateError("USAGE", "a title is one line of text: give some words");
  const before = conversation.info.title ?? null;
  if (before === wanted) return conversation.revision;
  conversation.updateInfo({ title: wanted });
  await conversation.flush();
  await trash.begin({ kind: "rename", conversationId: conversation.id, stamp: await trash.newStamp(), files: [], title: before });
  return conversation.revision;
}
