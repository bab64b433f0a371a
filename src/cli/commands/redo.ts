/** `redo`: reverts the last undo. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { shownId } from "../arguments/resolve-target.js";
import { resolveId } from "../arguments/resolve-id.js";
import { formatAge } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

/** Among the conversations of past undos: one that is removed again is known from its log alone. */
async function resolveRedone(manager: DraftStatePersistenceManager, wanted: string): Promise<string> {
  const ids = [...new Set((await manager.undone()).map(({ conversationId }) => conversationId))];
  const fits = ids.includes(wanted) ? [wanted] : ids.filter((id) => wanted !== "" && id.startsWith(wanted));
  const [only, ...others] = fits;
  if (only === undefined) return resolveId(manager, wanted);
  if (others.length === 0) return only;
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(wanted)} matches ${fits.length} conversations with operations to redo: give more characters of the id ("draftstate undo --list" shows them)`,
  );
}

export const registerRedo: Register = (program, run) => {
  program
    .command("redo [id]")
    .summary("revert the last undo")
    .description(
      "Revert the last undo, of one conversation or of all: the operation is done again. Run it again to revert the undo before. Refused once the conversation was changed after the undo. What was done to LangGraph threads is not done again: run the command itself.",
    )
    .addHelpText("after", "\nExamples:\n  draftstate redo\n  draftstate redo draft_chat_17")
    .action((wanted: string | undefined) =>
      run(async (context) => {
        const manager = await context.reader();
        const result = await manager.redo(wanted === undefined ? undefined : await resolveRedone(manager, wanted));
        if (context.json) {
          context.output.json(result);
          return;
        }
        const { operation, conversationIds, at } = result;
        const names = toSafeLine(conversationIds.map(shownId).join(", "));
        context.output.message(`redid the ${operation} of ${names}, ${formatAge(new Date(at), context.now())}`);
        context.output.message("undo it with: draftstate undo");
      }),
    );
};
