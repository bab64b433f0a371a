/** `rm`: conversations go to the trash with their restore points, from where `undo` brings them back. */
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import type { RemoveResult } from "../../persistence/remove.js";
import type { CommandContext } from "../context.js";
import { resolveId } from "../resolve-id.js";
import { formatBytes, pluralize } from "../terminal/format.js";
import { confirm } from "../terminal/prompt.js";
import type { Register } from "./registration.js";

interface RmOptions {
  readonly yes?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

/** Everything named is found before anything is removed; the same one named twice is one. */
async function resolveAll(manager: DraftStatePersistenceManager, wanted: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const each of wanted) ids.push(await resolveId(manager, each));
  return [...new Set(ids)];
}

async function agreed(ids: readonly string[], options: RmOptions, context: CommandContext): Promise<boolean> {
  const { input } = context.options;
  if (options.yes === true || context.json || input.isTTY !== true || !context.output.errorIsTerminal) return true;
  const how = options.purge === true ? "for good, without a way back" : "to the trash";
  return confirm(input, `Remove ${ids.join(", ")} and all restore points, ${how}? [y/N] `);
}

function say(result: RemoveResult, context: CommandContext): void {
  const { output } = context;
  output.message(`removed ${result.conversationId}: ${pluralize(result.removed.length, "file")}, ${formatBytes(result.bytes)}`);
  if (!result.purged) output.message(`undo it with: draftstate undo ${result.conversationId}`);
}

export const registerRm: Register = (program, run) => {
  program
    .command("rm <id...>")
    .summary("move conversations to the trash")
    .description("Move conversations and their restore points to the trash; \"undo\" brings them back.")
    .option("-y, --yes", "do not ask")
    .option("--purge", "remove for good, without a way back")
    .option("--dry-run", "show what it would remove, and remove nothing")
    .addHelpText("after", "\nExamples:\n  draftstate rm draft_chat_17\n  draftstate undo draft_chat_17")
    .action((wanted: string[], options: RmOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { output } = context;
        const ids = await resolveAll(manager, wanted);
        if (options.dryRun === true) {
          if (context.json) output.json(ids.map((conversationId) => ({ conversationId, removed: [], bytes: 0, purged: false, dryRun: true })));
          else for (const id of ids) output.line(id);
          return 0;
        }
        if (!(await agreed(ids, options, context))) {
          output.message("nothing was removed");
          return 1;
        }
        const results = await manager.removeAll(ids, { purge: options.purge === true });
        if (context.json) output.json(results);
        else for (const result of results) say(result, context);
        return 0;
      }),
    );
};
