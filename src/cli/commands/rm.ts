/** `rm`: moves conversations to the trash with their backups; `undo` brings them back. */
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { RemoveResult } from "../../operations/remove.js";
import type { CommandContext } from "../context.js";
import { resolveId } from "../arguments/resolve-id.js";
import { formatBytes, pluralize } from "../terminal/text/format.js";
import type { Register } from "./registration.js";

interface RmOptions {
  readonly yes?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

/** Finds everything named before anything is removed; one that is named twice counts once. */
async function resolveAll(manager: DraftStatePersistenceManager, wanted: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const each of wanted) ids.push(await resolveId(manager, each));
  return [...new Set(ids)];
}

async function agreed(ids: readonly string[], options: RmOptions, context: CommandContext): Promise<boolean> {
  if (!context.mayAsk(options)) return true;
  const forGood = options.purge === true || context.settings.trashDays === 0;
  return context.confirm(
    `${forGood ? "Delete" : "Move"} ${ids.join(", ")} and all backups ${forGood ? "permanently? This cannot be undone." : "to the trash?"} [y/N] `,
  );
}

function say(results: readonly RemoveResult[], { output }: CommandContext): void {
  for (const { conversationId, removed, bytes, purged } of results) {
    output.message(
      `removed ${conversationId}${purged ? " permanently" : ""}: ${pluralize(removed.length, "file")}, ${formatBytes(bytes)}`,
    );
  }
  const [only, ...others] = results;
  if (only === undefined || only.purged) return;
  output.message(`undo it with: draftstate undo${others.length === 0 ? ` ${only.conversationId}` : ""}`);
}

function sayPreview(results: readonly RemoveResult[], { output }: CommandContext): void {
  for (const { removed } of results) for (const path of removed) output.line(`would remove ${path}`);
  const files = results.reduce((sum, { removed }) => sum + removed.length, 0);
  output.message(
    `${pluralize(results.length, "conversation")} with ${pluralize(files, "file")} (${formatBytes(results.reduce((sum, { bytes }) => sum + bytes, 0))}) would be removed`,
  );
}

export const registerRm: Register = (program, run) => {
  program
    .command("rm <id...>")
    .summary("move conversations to the trash")
    .description('Move conversations and their backups to the trash; "undo" brings them back.')
    .option("-y, --yes", "do not ask")
    .option("--purge", "delete permanently; cannot be undone")
    .option("--dry-run", "show what would be removed, without removing")
    .addHelpText("after", "\nExamples:\n  draftstate rm draft_chat_17\n  draftstate undo draft_chat_17")
    .action((wanted: string[], options: RmOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { output } = context;
        const ids = await resolveAll(manager, wanted);
        const dryRun = options.dryRun === true;
        if (!dryRun && !(await agreed(ids, options, context))) {
          output.message("nothing was removed");
          return 1;
        }
        const results = await manager.removeAll(ids, { purge: options.purge === true, dryRun });
        if (context.json) output.json(results);
        else (dryRun ? sayPreview : say)(results, context);
        return 0;
      }),
    );
};
