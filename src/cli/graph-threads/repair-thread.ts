/** `repair` of a LangGraph thread: a new log of what can be read; the files as found go to quarantine, and to the trash. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { repairOneThread } from "../../operations/graph-threads/change-threads.js";
import { shownId } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

export async function repairThreadOf(
  manager: DraftStatePersistenceManager,
  threadId: string,
  accept: boolean,
  context: CommandContext,
): Promise<void> {
  if (accept)
    throw new DraftstateError("USAGE", "--accept is for conversations: a line of a thread that was edited is left out");
  const result = await repairOneThread(manager.threads, threadId);
  const { output } = context;
  if (context.json) {
    output.json({ kind: "thread", conversationId: threadId, ...result });
    return;
  }
  const name = toSafeLine(shownId(threadId));
  for (const path of result.quarantined) output.message(toSafeLine(`kept the file as found: ${path}`));
  if (!result.repaired) {
    output.message(`${name} needs no repair`);
    return;
  }
  for (const id of result.lostCheckpoints) output.warning(`checkpoint ${id} has lost values, and is left out`);
  output.message(
    `repaired ${name}: ${pluralize(result.kept, "checkpoint")} kept, ${pluralize(result.lostLines, "line")} could not be read`,
  );
  output.message(`undo it with: draftstate undo ${name}`);
}
