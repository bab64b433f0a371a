/** `prune`: retention, on demand. Backups only; whatever is removed is said. */
import { DraftstateError } from "../../errors.js";
import type { RetentionPolicy } from "../../plan/retention.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { PruneResult } from "../../operations/prune.js";
import type { CommandContext } from "../context.js";
import { dateOf, parseCount, parseWhen, WHEN, type When } from "../arguments/parse.js";
import { resolveId } from "../arguments/resolve-id.js";
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
}

function summary({ removed, kept, bytesFreed, dryRun, purged }: PruneResult): string {
  const how = purged ? "removed for good" : "moved to the trash";
  return `${pluralize(removed.length, "backup")} ${dryRun ? "would be " : ""}${how} (${formatBytes(bytesFreed)}), ${kept.length} kept`;
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

/** A time to come would keep nothing, which nobody means by it. */
function ageOf(when: When, now: Date): number {
  const age = now.getTime() - dateOf(when, now).getTime();
  if (age < 0)
    throw new DraftstateError(
      "USAGE",
      `--older-than ${dateOf(when, now).toISOString()} is still to come: give a time that has been`,
    );
  return age;
}

/** Asks a person where the count alone decides, and it leaves nothing to go back to. */
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
    `This removes ${pluralize(removed.length, "backup")} (${formatBytes(bytesFreed)}): nothing but pinned ones is left to go back to. Go on? [y/N] `,
  );
}

export const registerPrune: Register = (program, run) => {
  program
    .command("prune [id]")
    .summary("remove old backups")
    .description(
      'Remove old backups of one conversation or of all. Each rule names what it keeps; what no rule keeps is removed. Conversations and pinned backups are never touched; "undo" brings the others back.',
    )
    .option(
      "--max <count>",
      "keep the newest so many of each conversation (the setting maxBackups where no rule is given)",
      parseCount("--max"),
    )
    .option("--older-than <when>", `keep what is not older: ${WHEN}`, parseWhen("--older-than"))
    .option("--keep-daily <count>", "keep the newest of each of so many days", parseCount("--keep-daily"))
    .option("--keep-weekly <count>", "keep the newest of each of so many weeks", parseCount("--keep-weekly"))
    .option("--keep-monthly <count>", "keep the newest of each of so many months", parseCount("--keep-monthly"))
    .option("--purge", "remove for good, and not to the trash: without a way back, but with room on the disk at once")
    .option("--dry-run", "show what it would remove and why the rest stays, and remove nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate prune --max 10\n  draftstate prune --older-than 30d --keep-monthly 12 --dry-run",
    )
    .action((wanted: string | undefined, options: PruneCommandOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = wanted === undefined ? undefined : await resolveId(manager, wanted);
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
          output.warning(`${conversationId} was left alone: ${reason}`);
        if (context.json) output.json(result);
        else {
          for (const [path, reasons] of Object.entries(result.reasons ?? {}))
            output.line(toSafeLine(`would keep ${path} (${reasons.join(", ")})`));
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
