/** `restore`: restores a backup, after saving the current state so that it can be undone the same way. */
import { jsonEqual, type JsonObject } from "../../model/json.js";
import type { Backup } from "../../store/backups.js";
import { fromTimestamp } from "../../store/names.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { assertUnlocked } from "../../session/lock.js";
import type { RestoreResult } from "../../operations/restore.js";
import type { CommandContext } from "../context.js";
import type { Output } from "../output.js";
import { resolveTarget } from "../arguments/resolve-target.js";
import { formatAge, pluralize } from "../terminal/text/format.js";
import { renderStateDiff } from "../terminal/diff/state-diff.js";
import { beginningOf } from "../terminal/diff/beginning.js";
import type { Register } from "./registration.js";

interface RestoreCommandOptions {
  readonly backup: string;
  readonly fork?: string | true;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Rows below the preview: the question, the prompt of the shell. */
const ROWS_BELOW = 5;

interface Preview {
  readonly backup: Backup;
  readonly before: JsonObject;
  readonly after: JsonObject;
}

async function look(manager: DraftStatePersistenceManager, id: string, wanted: string): Promise<Preview> {
  const { backup, version } = await manager.readBackup(id, wanted);
  return { backup, before: (await manager.load(id))?.state ?? {}, after: version.state };
}

function isNeedless({ before, after }: Preview): boolean {
  return jsonEqual(before, after);
}

async function printPreview({ before, after }: Preview, context: CommandContext): Promise<void> {
  const { style, width } = context.output;
  await context.page(renderStateDiff(before, after, { style, columns: width }), { paged: true });
}

/** As much as leaves room for the question. */
function printBeginning(id: string, { backup, before, after }: Preview, { output }: CommandContext): void {
  const { width = 80, height = 24 } = output;
  const changes = renderStateDiff(before, after, { style: output.style, columns: width });
  const { text, more } = beginningOf(changes, height - ROWS_BELOW);
  output.line(text);
  if (more > 0)
    output.message(
      output.errorStyle.dim(`… and ${pluralize(more, "more line")}: draftstate diff ${id} now ${backup.timestamp}`),
    );
}

/** No question whose answer another process would refuse, unless that one is to be waited for. */
async function agreed(
  id: string,
  preview: Preview,
  context: CommandContext,
  { store, settings }: DraftStatePersistenceManager,
): Promise<boolean> {
  if (settings.lockTimeout === 0) await assertUnlocked(store, id);
  printBeginning(id, preview, context);
  const { timestamp } = preview.backup;
  return context.confirm(
    `Restore backup ${timestamp} (${formatAge(fromTimestamp(timestamp), context.now())})? The current state is saved as a backup first. [y/N] `,
  );
}

function sayNeedless(id: string, timestamp: string, output: Output): void {
  output.message(`no difference: ${id} matches backup ${timestamp}; nothing was restored`);
}

async function fork(
  manager: DraftStatePersistenceManager,
  id: string,
  options: RestoreCommandOptions,
  context: CommandContext,
): Promise<RestoreResult> {
  const newId = options.fork === true ? `${id.slice(0, 100)}-fork-${context.now().getTime()}` : options.fork;
  const result = await manager.restore(id, options.backup, {
    ...(newId === undefined ? {} : { fork: newId }),
    dryRun: options.dryRun === true,
  });
  if (!context.json)
    context.output.message(
      `${result.conversationId} starts as ${id} was at ${result.restoredFrom}; resume it with: draftstate chat --resume ${result.conversationId}`,
    );
  return result;
}

export const registerRestore: Register = (program, run) => {
  program
    .command("restore <id>")
    .summary("restore a backup")
    .description(
      "Restore a backup. The current state is saved first, so that this can be undone the same way. Of a LangGraph thread, <ts> is a checkpoint, and the graph continues from there.",
    )
    .requiredOption(
      "--backup <ts>",
      "the backup: its timestamp, a prefix of it, a tag, latest, or @2 for the third newest",
    )
    .option("--fork [newId]", "restore into a new conversation instead")
    .option("--dry-run", "show what would change, without changing it")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate restore @last --backup @1 --dry-run\n  draftstate restore @last --backup latest\n  draftstate restore draft_chat_17 --backup 2025-01-14T21 --fork idea-2",
    )
    .action((wanted: string, options: RestoreCommandOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { kind, id } = await resolveTarget(manager, wanted);
        if (kind === "thread") {
          const { restoreToCheckpoint } = await import("../graph-threads/restore-thread.js");
          return restoreToCheckpoint(manager, id, options, context);
        }
        const { output } = context;
        if (context.json) {
          output.json(
            options.fork === undefined
              ? await manager.restore(id, options.backup, { dryRun: options.dryRun === true })
              : await fork(manager, id, options, context),
          );
          return 0;
        }
        if (options.fork !== undefined && options.dryRun !== true) {
          await fork(manager, id, options, context);
          return 0;
        }
        // Without a reader no preview is made.
        const preview =
          options.dryRun === true || context.mayAsk(options) ? await look(manager, id, options.backup) : undefined;
        if (preview !== undefined && isNeedless(preview)) {
          sayNeedless(id, preview.backup.timestamp, output);
          return 0;
        }
        if (preview !== undefined && options.dryRun === true) {
          await printPreview(preview, context);
          return 0;
        }
        if (preview !== undefined && !(await agreed(id, preview, context, manager))) {
          output.message("nothing was restored");
          return 1;
        }
        const { restoredFrom, revision, safetyBackup, changes } = await manager.restore(id, options.backup);
        if (changes.length === 0) {
          sayNeedless(id, restoredFrom, output);
          return 0;
        }
        output.message(
          `restored ${id} to ${restoredFrom} (revision ${revision}); the previous state is kept as backup ${safetyBackup ?? "latest"}`,
        );
        output.message(
          `undo it with: draftstate ${context.settings.trashDays > 0 ? `undo ${id}` : `restore ${id} --backup ${safetyBackup ?? "latest"}`}`,
        );
        return 0;
      }),
    );
};
