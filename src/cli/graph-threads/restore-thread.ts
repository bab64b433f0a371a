/** `restore` of a LangGraph thread: a checkpoint as the newest again, as LangGraph forks, so that the graph continues from there. */
import { DraftstateError } from "../../errors.js";
import { toJsonPatch } from "../../model/json-patch.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { restoreThread } from "../../operations/graph-threads/restore-thread.js";
import { shownId } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { renderStateDiff } from "../terminal/diff/state-diff.js";
import { compareCheckpoints } from "./diff-thread.js";

export interface RestoreThreadOptions {
  readonly backup: string;
  readonly fork?: string | true;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export async function restoreToCheckpoint(
  manager: DraftStatePersistenceManager,
  threadId: string,
  options: RestoreThreadOptions,
  context: CommandContext,
): Promise<number> {
  if (options.fork !== undefined)
    throw new DraftstateError(
      "USAGE",
      "--fork is for conversations: restoring a checkpoint forks the thread itself, and takes nothing away",
    );
  const { output } = context;
  const { before, after } = await compareCheckpoints(manager, threadId, "now", options.backup);
  const patch = toJsonPatch(before.state, after.state);
  if (options.dryRun === true) {
    if (context.json)
      output.json({
        kind: "thread",
        conversationId: threadId,
        restoredFrom: after.label,
        checkpoint: null,
        previous: before.label,
        dryRun: true,
        changes: patch,
      });
    else
      await context.page(renderStateDiff(before.state, after.state, { style: output.style, columns: output.width }), {
        paged: true,
      });
    return 0;
  }
  if (
    context.mayAsk(options) &&
    !(await context.confirm(
      `Continue thread ${shownId(threadId)} from checkpoint ${after.label}? The present one stays in its history. [y/N] `,
    ))
  ) {
    output.message("nothing was restored");
    return 1;
  }
  const restored = await restoreThread(manager.threads, threadId, options.backup);
  if (context.json) output.json({ kind: "thread", ...restored, dryRun: false, changes: patch });
  else if (restored.checkpoint === null)
    output.message(`${restored.restoredFrom} is the newest checkpoint of ${shownId(threadId)}; nothing was restored`);
  else {
    output.message(
      `${shownId(threadId)} continues from checkpoint ${restored.restoredFrom}, as the new checkpoint ${restored.checkpoint}`,
    );
    output.message(`undo it with: draftstate restore ${shownId(threadId)} --backup ${restored.previous}`);
  }
  return 0;
}
