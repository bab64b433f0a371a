/** `migrate`: rewrites conversations of older schemas in the current one; each original becomes a backup first. */
import { DraftstateError } from "../../errors.js";
import type { MigrateResult } from "../../operations/migrate.js";
import { exitStatusOf } from "../exit-status.js";
import { pluralize } from "../terminal/text/format.js";
import { resolveId } from "../arguments/resolve-id.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

/** Of the first that failed. */
function statusOf({ failed }: MigrateResult): number {
  const [first] = failed;
  return first === undefined ? 0 : exitStatusOf(new DraftstateError(first.code, first.message));
}

function summary({ migrated, upToDate, failed, dryRun }: MigrateResult): string {
  const done = dryRun ? "would be migrated" : "migrated";
  return `${pluralize(migrated.length, "conversation")} ${done}, ${upToDate} already current${failed.length === 0 ? "" : `, ${failed.length} failed`}`;
}

export const registerMigrate: Register = (program, run) => {
  program
    .command("migrate [id]")
    .summary("rewrite old files in the current schema")
    .description(
      "Rewrite conversations of older schemas in the current one. Each original becomes a backup first. Backups are not rewritten: every schema can be read.",
    )
    .option("--dry-run", "show what would be rewritten, without rewriting")
    .addHelpText("after", "\nExamples:\n  draftstate migrate --dry-run\n  draftstate migrate")
    .action((wanted: string | undefined, options: { readonly dryRun?: boolean }) =>
      run(async (context) => {
        const manager = await context.reader();
        const { output } = context;
        const id = wanted === undefined ? undefined : await resolveId(manager, wanted);
        const result = await manager.migrate({ dryRun: options.dryRun === true, ...(id === undefined ? {} : { id }) });
        if (context.json)
          output.json({
            ...result,
            failed: result.failed.map((each) => ({ ...each, message: output.worded(each.message) })),
          });
        else {
          for (const { conversationId, from, to } of result.migrated)
            output.line(`${conversationId}  ${toSafeLine(from)} → ${to}`);
          for (const { message } of result.failed) output.warning(message);
          output.message(summary(result));
        }
        return statusOf(result);
      }),
    );
};
