/** `migrate`: brings conversations of older schemas to the current one; each original becomes a backup first. */
import { pluralize } from "../terminal/format.js";
import { resolveId } from "../resolve-id.js";
import { toSafeLine } from "../terminal/safe-text.js";
import type { Register } from "./registration.js";

const DAMAGED = 4;

export const registerMigrate: Register = (program, run) => {
  program
    .command("migrate [id]")
    .summary("bring old files to the current schema")
    .description("Rewrite conversations of older schemas in the current one. Each original becomes a backup first; restore points stay as they are, and are read whatever their schema.")
    .option("--dry-run", "show what it would rewrite, and rewrite nothing")
    .addHelpText("after", "\nExamples:\n  draftstate migrate --dry-run\n  draftstate migrate")
    .action((wanted: string | undefined, options: { readonly dryRun?: boolean }) =>
      run(async (context) => {
        const manager = await context.reader();
        const { output } = context;
        const id = wanted === undefined ? undefined : await resolveId(manager, wanted);
        const result = await manager.migrate({ dryRun: options.dryRun === true, ...(id === undefined ? {} : { id }) });
        if (context.json) output.json(result);
        else {
          for (const { conversationId, from, to } of result.migrated) output.line(`${conversationId}  ${toSafeLine(from)} → ${to}`);
          for (const { message } of result.failed) output.warning(message);
          const done = result.dryRun ? "would be migrated" : "migrated";
          output.message(`${pluralize(result.migrated.length, "conversation")} ${done}, ${result.upToDate} of the current schema${result.failed.length === 0 ? "" : `, ${result.failed.length} failed`}`);
        }
        return result.failed.length === 0 ? 0 : DAMAGED;
      }),
    );
};
