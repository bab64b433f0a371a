/** `prune` of LangGraph threads: checkpoints that no rule keeps go to the trash. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { pruneThreads, type PrunedThread } from "../../operations/graph-threads/change-threads.js";
import type { RetentionPolicy } from "../../plan/retention.js";
import { shownId } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

export interface PruneThreadsCommandOptions {
  readonly dryRun?: boolean;
  readonly purge?: boolean;
}

/** Throws `USAGE` without a rule: maxBackups is for backups. */
export async function pruneCheckpoints(
  manager: DraftStatePersistenceManager,
  ids: readonly string[],
  policy: RetentionPolicy,
  options: PruneThreadsCommandOptions,
  context: CommandContext,
): Promise<void> {
  if (Object.keys(policy).length === 0)
    throw new DraftstateError(
      "USAGE",
      "give a rule for the checkpoints of a thread, such as --max 20: the setting maxBackups is for backups",
    );
  const { dryRun = false, purge = false } = options;
  const results = await pruneThreads(manager.threads, ids, policy, { dryRun, purge });
  const purged = purge || context.settings.trashDays === 0;
  if (context.json) context.output.json(results.map((result) => ({ kind: "thread", ...result, dryRun, purged })));
  else say(results, { dryRun, purged }, context);
}

function say(
  results: readonly PrunedThread[],
  { dryRun, purged }: { readonly dryRun: boolean; readonly purged: boolean },
  { output }: CommandContext,
): void {
  for (const { conversationId, kept, removed } of results) {
    const of = toSafeLine(shownId(conversationId));
    if (dryRun)
      for (const { id, reasons } of kept) output.line(toSafeLine(`would keep ${of} ${id} (${reasons.join(", ")})`));
    for (const { id } of removed) output.line(toSafeLine(`${dryRun ? "would remove" : "removed"} ${of} ${id}`));
  }
  const removed = results.reduce((sum, result) => sum + result.removed.length, 0);
  const kept = results.reduce((sum, result) => sum + result.kept.length, 0);
  const how = purged ? "permanently deleted" : "moved to the trash";
  output.message(`${pluralize(removed, "checkpoint")} ${dryRun ? "would be " : ""}${how}, ${kept} kept`);
  const [only, ...others] = results.filter((result) => result.removed.length > 0);
  if (only !== undefined && !dryRun && !purged)
    output.message(`undo it with: draftstate undo${others.length > 0 ? "" : ` ${shownId(only.conversationId)}`}`);
}
