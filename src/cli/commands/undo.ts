/** `undo`: takes back the last restore, prune, rm, repair or rename. */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import type { UndoResult } from "../../persistence/undo.js";
import type { CommandContext } from "../context.js";
import { resolveId } from "../resolve-id.js";
import { formatAge, formatBytes, pluralize } from "../terminal/format.js";
import { renderTable } from "../terminal/table.js";
import type { Register } from "./registration.js";

interface UndoOptions {
  readonly list?: boolean;
  readonly emptyTrash?: boolean;
}

/** A conversation that was removed is known by its operation alone. */
async function resolveUndone(manager: DraftStatePersistenceManager, wanted: string): Promise<string> {
  const ids = [...new Set((await manager.operations()).map(({ conversationId }) => conversationId))];
  if (ids.includes(wanted)) return wanted;
  try {
    return await resolveId(manager, wanted);
  } catch (error) {
    const fits = ids.filter((id) => id.startsWith(wanted));
    const [only, ...others] = fits;
    if (!isDraftstateError(error, "NOT_FOUND") || only === undefined) throw error;
    if (others.length === 0) return only;
    throw new DraftstateError("USAGE", `${JSON.stringify(wanted)} fits ${fits.length} conversations that something was done to: give more of the id`);
  }
}

async function list(manager: DraftStatePersistenceManager, id: string | undefined, context: CommandContext): Promise<void> {
  const operations = (await manager.operations()).filter(({ conversationId }) => id === undefined || conversationId === id);
  if (context.json) context.output.json(operations);
  else if (operations.length === 0) context.output.message("there is nothing to undo");
  else {
    context.output.line(
      renderTable({
        style: context.output.style,
        width: context.output.width,
        columns: [{ title: "OPERATION" }, { title: "ID" }, { title: "AGE" }, { title: "AT" }],
        rows: operations.map(({ operation, conversationId, at }) => [operation, conversationId, formatAge(new Date(at), context.now()), at]),
      }),
    );
  }
}

function say(result: UndoResult, context: CommandContext): void {
  const { output } = context;
  const { operation, conversationIds, restored, safetyBackup } = result;
  const files = restored.length === 0 ? "" : `: ${pluralize(restored.length, "file")} back`;
  output.message(`undone: ${operation} of ${conversationIds.join(", ")}${files}`);
  if (safetyBackup !== null) output.message(`what was there before is kept: draftstate restore ${result.conversationId} --backup ${safetyBackup}`);
}

export const registerUndo: Register = (program, run) => {
  program
    .command("undo [id]")
    .summary("take back the last restore, prune, rm, repair or rename")
    .description("Take back the last restore, prune, rm, repair or rename: of one conversation, or whatever was done last. Run again, it takes back the one before.")
    .option("--list", "show what can be undone, newest first, and undo nothing")
    .option("--empty-trash", "remove all that is kept for undo, for good")
    .addHelpText("after", "\nExamples:\n  draftstate undo --list\n  draftstate undo\n  draftstate undo draft_chat_17")
    .action((wanted: string | undefined, options: UndoOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        if (options.emptyTrash === true) {
          const bytesFreed = await manager.emptyTrash();
          if (context.json) context.output.json({ bytesFreed });
          else context.output.message(`${formatBytes(bytesFreed)} freed; nothing can be undone now`);
          return;
        }
        const id = wanted === undefined ? undefined : await resolveUndone(manager, wanted);
        if (options.list === true) {
          await list(manager, id, context);
          return;
        }
        const result = await manager.undo(id);
        if (context.json) context.output.json(result);
        else say(result, context);
      }),
    );
};
