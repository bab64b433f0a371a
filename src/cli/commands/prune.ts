/** `prune`: applies retention on demand. Removes backups only, and prints each of them. */
import { DraftstateError } from "../../errors.js";
import type { RetentionPolicy } from "../../plan/retention.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { PruneResult } from "../../operations/prune.js";
import type { CommandContext } from "../context.js";
import { choiceOption } from "../arguments/choice.js";
import { dateOf, parseCount, parseWhen, WHEN, type When } from "../arguments/parse.js";
import { resolveTarget, threadIds, type Target } from "../arguments/resolve-target.js";
import { startProgress } from "../terminal/screen/progress.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { formatBytes, pluralize } from "../terminal/text/format.js";
import type { Register } from "./registration.js";

interface PruneCommandOptions {
  readonly max?: number;
  readonly olderThan?: When;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly dryRun?: boolean;
  readonly purge?: boolean;
  readonly yes?: boolean;
  readonly kind: string;
}

function summary({ removed, kept, bytesFreed, dryRun, purged, reasons }: PruneResult): string {
  const how = purged ? "permanently deleted" : "moved to the trash";
  const why = reasonsOf(Object.values(reasons ?? {}));
  return `${pluralize(removed.length, "backup")} ${dryRun ? "would be " : ""}${how} (${formatBytes(bytesFreed)}), ${kept.length} kept${why === "" ? "" : ` (${why})`}`;
}

/** How many each reason keeps; one backup may have several. */
function reasonsOf(all: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const reason of all.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${reason}: ${count}`).join(", ");
}

function policyOf(
  { max, olderThan, keepDaily, keepWeekly, keepMonthly }: PruneCommandOptions,
  now: Date,
): RetentionPolicy {
  return {
    ...(max === undefined ? {} : { max }),
    ...(olderThan === undefined ? {} : { olderThan: ageOf(olderThan, now) }),
    ...(keepDaily === undefined ? {} : { keepDaily }),
    ...(keepWeekly === undefined ? {} : { keepWeekly }),
    ...(keepMonthly === undefined ? {} : { keepMonthly }),
  };
}

/** A time in the future would keep nothing, which is never meant. */
function ageOf(when: When, now: Date): number {
  const age = now.getTime() - dateOf(when, now).getTime();
  if (age < 0)
    throw new DraftstateError(
      "USAGE",
      `--older-than ${dateOf(when, now).toISOString()} is in the future: give a time in the past`,
    );
  return age;
}

/** Asks a person if --max 0 would leave no backup to restore. */
async function agreed(
  manager: DraftStatePersistenceManager,
  policy: RetentionPolicy & { readonly id?: string },
  options: PruneCommandOptions,
  context: CommandContext,
): Promise<boolean> {
  if (options.max !== 0 || options.dryRun === true || !context.mayAsk(options)) return true;
  const { removed, bytesFreed } = await manager.prune({ ...policy, dryRun: true });
  if (removed.length === 0) return true;
  return context.confirm(
    `Remove ${pluralize(removed.length, "backup")} (${formatBytes(bytesFreed)})? Only pinned ones are left then. [y/N] `,
  );
}

async function pruneThreads(
  manager: DraftStatePersistenceManager,
  target: Target | undefined,
  options: PruneCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { pruneCheckpoints } = await import("../graph-threads/prune-threads.js");
  const ids = target === undefined ? await threadIds(manager) : [target.id];
  await pruneCheckpoints(manager, ids, policyOf(options, context.now()), options, context);
}

export const registerPrune: Register = (program, run) => {
  program
    .command("prune [id]")
    .summary("remove old backups, or checkpoints of threads")
    .description(
      'Remove old backups of one conversation or of all, or old checkpoints of LangGraph threads (with an id or --kind thread). Each rule keeps some backups; those that no rule keeps are removed. Conversations and pinned backups are never removed; "undo" brings backups back.',
    )
    .option(
      "--max <count>",
      "keep the newest <count> of each conversation (default without any rule: the setting maxBackups)",
      parseCount("--max"),
    )
    .option("--older-than <when>", `keep backups that are not older: ${WHEN}`, parseWhen("--older-than"))
    .option(
      "--keep-daily <count>",
      "keep the newest of each of the last <count> days that have any",
      parseCount("--keep-daily"),
    )
    .option(
      "--keep-weekly <count>",
      "keep the newest of each of the last <count> weeks that have any",
      parseCount("--keep-weekly"),
    )
    .option(
      "--keep-monthly <count>",
      "keep the newest of each of the last <count> months that have any",
      parseCount("--keep-monthly"),
    )
    .addOption(
      choiceOption("--kind <kind>", "without an id: backups of all conversations, or checkpoints of all threads", [
        "conversation",
        "thread",
      ]).default("conversation"),
    )
    .option("--purge", "delete permanently instead of moving to the trash: frees disk space at once, cannot be undone")
    .option("--dry-run", "show what would be removed, and count what is kept by each rule, without removing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate prune --max 10\n  draftstate prune --older-than 30d --keep-monthly 12 --dry-run",
    )
    .action((wanted: string | undefined, options: PruneCommandOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const target = wanted === undefined ? undefined : await resolveTarget(manager, wanted);
        if (target?.kind === "thread" || (target === undefined && options.kind === "thread")) {
          await pruneThreads(manager, target, options, context);
          return 0;
        }
        const id = target?.id;
        const policy = { ...policyOf(options, context.now()), ...(id === undefined ? {} : { id }) };
        if (!(await agreed(manager, policy, options, context))) {
          context.output.message("nothing was removed");
          return 1;
        }
        const progress = startProgress(context.output, "pruning", () => context.now().getTime());
        const result = await manager
          .prune({ ...policy, dryRun: options.dryRun === true, purge: options.purge === true }, progress.update)
          .finally(progress.end);
        const { output } = context;
        for (const { conversationId, reason } of result.skipped)
          output.warning(`${conversationId} was skipped: ${reason}`);
        if (context.json)
          output.json({
            ...result,
            skipped: result.skipped.map((each) => ({ ...each, reason: output.worded(each.reason) })),
          });
        else {
          for (const path of result.removed)
            output.line(toSafeLine(`${result.dryRun ? "would remove" : "removed"} ${path}`));
          output.message(summary(result));
          if (result.removed.length > 0 && !result.dryRun && !result.purged)
            output.message(`undo it with: draftstate undo${id === undefined ? "" : ` ${id}`}`);
        }
        return 0;
      }),
    );
};
