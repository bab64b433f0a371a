/** `undo`: takes back the last restore, prune, rm, repair or rename. */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import type { UndoResult } from "../../persistence/trash/undo.js";
import type { CommandContext } from "../context.js";
import { resolveId } from "../resolve-id.js";
import { formatAge, formatBytes, pluralize } from "../terminal/format.js";
import { confirm } from "../terminal/prompt.js";
import { toSafeLine } from "../terminal/safe-text.js";
import { renderTable } from "../terminal/table.js";
import type { Register } from "./registration.js";

interface UndoOptions {
  readonly at?: string;
  readonly list?: boolean;
  readonly emptyTrash?: boolean;
  readonly yes?: boolean;
}

/** Among what something was done to, since a conversation that was removed is known by its operation alone. */
async function resolveUndone(manager: DraftStatePersistenceManager, wanted: string): Promise<string> {
  const ids = [...new Set((await manager.operations()).map(({ conversationId }) => conversationId))];
  if (ids.includes(wanted)) return wanted;
  const fits = wanted === "" ? [] : ids.filter((id) => id.startsWith(wanted));
  const [only, ...others] = fits;
  if (only === undefined) return resolveId(manager, wanted);
  if (others.length === 0) return only;
  throw new DraftstateError("USAGE", `${JSON.stringify(wanted)} fits ${fits.length} conversations that something was done to: give more of the id ("draftstate undo --list" shows them)`);
}

async function emptyTrash(manager: DraftStatePersistenceManager, options: UndoOptions, context: CommandContext): Promise<number> {
  const { input } = context.options;
  const { length: operations } = await manager.operations();
  const asks = operations > 0 && options.yes !== true && !context.json && input.isTTY === true && context.output.errorIsTerminal;
  if (asks && !(await confirm(input, `Empty the trash for good? ${pluralize(operations, "operation")} could not be undone then. [y/N] `))) {
    context.output.message("nothing was removed");
    return 1;
  }
  const bytesFreed = await manager.emptyTrash();
  if (context.json) context.output.json({ bytesFreed });
  else context.output.message(bytesFreed === 0 ? "the trash is empty" : `${formatBytes(bytesFreed)} freed; nothing can be undone now`);
  return 0;
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

async function say(result: UndoResult, manager: DraftStatePersistenceManager, context: CommandContext): Promise<void> {
  const { output } = context;
  const { operation, conversationIds, conversationId, restored, safetyBackup, at } = result;
  const files = restored.length === 0 ? "" : `: ${pluralize(restored.length, "file")} back`;
  output.message(`undone: ${operation} of ${conversationIds.join(", ")}, ${formatAge(new Date(at), context.now())}${files}`);
  if (safetyBackup !== null) output.message(`what was there before is kept: draftstate restore ${conversationId} --backup ${safetyBackup}`);
  const now = await howItIs(manager, result);
  if (now !== undefined) output.message(toSafeLine(now));
}

/** What is not plain from the operation's name. */
async function howItIs(manager: DraftStatePersistenceManager, { operation, conversationId: id }: UndoResult): Promise<string | undefined> {
  try {
    const loaded = await manager.load(id);
    return operation === "rename" && loaded !== undefined ? `its title is ${JSON.stringify(loaded.metadata.title)} again` : undefined;
  } catch (error) {
    if (!isDraftstateError(error, "CORRUPT")) throw error;
    return `${id} cannot be gone on with as it is now: "draftstate repair ${id}" mends it`;
  }
}

function assertOneThing(wanted: string | undefined, { at, list: lists, emptyTrash: empties }: UndoOptions): void {
  if (empties === true && (wanted !== undefined || lists === true || at !== undefined)) {
    throw new DraftstateError("USAGE", "--empty-trash empties all of it: give it alone");
  }
  if (lists === true && at !== undefined) throw new DraftstateError("USAGE", "--list shows all times: give it without --at");
}

export const registerUndo: Register = (program, run) => {
  program
    .command("undo [id]")
    .summary("take back the last restore, prune, rm, repair or rename")
    .description("Take back the last restore, prune, rm, repair or rename: of one conversation, or whatever was done last. Run again, it takes back the one before.")
    .option("--at <time>", "not the last, but the one of this time, or a prefix of it, as --list shows it")
    .option("--list", "show what can be undone, newest first, and undo nothing")
    .option("--empty-trash", "remove all that is kept for undo, for good")
    .option("-y, --yes", "do not ask before emptying the trash")
    .addHelpText("after", "\nExamples:\n  draftstate undo --list\n  draftstate undo\n  draftstate undo draft_chat_17\n  draftstate undo --at 2026-01-14T21:30")
    .action((wanted: string | undefined, options: UndoOptions) =>
      run(async (context) => {
        assertOneThing(wanted, options);
        const manager = await context.reader();
        if (options.emptyTrash === true) return emptyTrash(manager, options, context);
        const id = wanted === undefined ? undefined : await resolveUndone(manager, wanted);
        if (options.list === true) await list(manager, id, context);
        else {
          const result = await manager.undo(id, options.at === undefined ? {} : { at: options.at });
          if (context.json) context.output.json(result);
          else await say(result, manager, context);
        }
        return 0;
      }),
    );
};
