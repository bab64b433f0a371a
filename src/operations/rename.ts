/** A new title. The old one is remembered first, so that the rename can be undone. */
import { DraftstateError } from "../errors.js";
import { MAX_INFO_LENGTH, type Conversation } from "../session/conversation.js";
import type { Trash } from "../store/trash.js";

export async function rename(conversation: Conversation, title: string, trash: Trash): Promise<number> {
  const wanted = title.trim().replaceAll(/\s+/g, " ");
  if (wanted === "") throw new DraftstateError("USAGE", "a title is one line of text: give some words");
  if (wanted.length > MAX_INFO_LENGTH) throw new DraftstateError("USAGE", `a title of ${wanted.length} characters is too long: give at most ${MAX_INFO_LENGTH}`);
  const before = conversation.info.title ?? null;
  if (before === wanted) return conversation.revision;
  const stamp = await trash.newStamp();
  await trash.begin({ kind: "rename", conversationId: conversation.id, stamp, group: stamp, files: [], title: before });
  conversation.updateInfo({ title: wanted });
  await conversation.flush();
  return conversation.revision;
}
