/** `restore`: goes back to a restore point, after saving the present so that it can be undone the same way. */
import { contentOf, resolveBackup } from "../../persistence/backups.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import type { CommandContext } from "../context.js";
import { resolveId } from "../resolve-id.js";
import { confirm } from "../terminal/prompt.js";
import { renderStateDiff } from "../terminal/state-diff.js";
import type { Register } from "./registration.js";

interface RestoreCommandOptions {
  readonly backup: string;
  readonly fork?: string | true;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Whether it would change anything. */
async function preview(manager: DraftStatePersistenceManager, id: string, wanted: string, context: CommandContext): Promise<boolean> {
  const content = contentOf(resolveBackup(await manager.listBackups(id), id, wanted)).state;
  const now = await manager.load(id);
  const text = renderStateDiff(now?.state ?? {}, content, context.output.style);
  context.output.line(text === "" ? "no difference: the conversation is as this backup holds it" : text);
  return text !== "";
}

type Answer = "yes" | "no" | "needless";

async function agreed(manager: DraftStatePersistenceManager, id: string, options: RestoreCommandOptions, context: CommandContext): Promise<Answer> {
  const { input } = context.options;
  if (options.yes === true || context.json || input.isTTY !== true || !context.output.errorIsTerminal) return "yes";
  if (!(await preview(manager, id, options.backup, context))) return "needless";
  return (await confirm(input, `Go back to ${options.backup}? The present is kept as a backup. [y/N] `)) ? "yes" : "no";
}

export const registerRestore: Register = (program, run) => {
  program
    .command("restore <id>")
    .summary("go back to a restore point")
    .description("Go back to a restore point. The present is saved first, so that this can be undone the same way.")
    .requiredOption("--backup <ts>", "a timestamp, a prefix of one, latest, or ~2 for the third newest")
    .option("--fork [newId]", "into a new conversation instead")
    .option("--dry-run", "show what it would change, and change nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExamples:\n  draftstate restore @last --backup ~1 --dry-run\n  draftstate restore @last --backup latest\n  draftstate restore draft_chat_17 --backup 2025-01-14T21 --fork idea-2")
    .action((wanted: string, options: RestoreCommandOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = await resolveId(manager, wanted);
        const { output } = context;
        const fork = options.fork === true ? `${id.slice(0, 100)}-fork-${context.now().getTime()}` : options.fork;
        if (options.dryRun === true && !context.json) {
          await preview(manager, id, options.backup, context);
          return 0;
        }
        const answer = fork === undefined && options.dryRun !== true ? await agreed(manager, id, options, context) : "yes";
        if (answer !== "yes") {
          output.message("nothing was restored");
          return answer === "needless" ? 0 : 1;
        }
        const result = await manager.restore(id, options.backup, { ...(fork === undefined ? {} : { fork }), dryRun: options.dryRun === true });
        if (context.json) output.json(result);
        else if (fork === undefined) {
          output.message(`restored ${id} to ${result.restoredFrom} (revision ${result.revision})`);
          output.message(`undo it with: draftstate restore ${id} --backup ${result.safetyBackup ?? "latest"}`);
        } else output.message(`${result.conversationId} begins as ${id} was at ${result.restoredFrom}; go on with: draftstate chat --resume ${result.conversationId}`);
        return 0;
      }),
    );
};
