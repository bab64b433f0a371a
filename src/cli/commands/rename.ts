/** `rename`: changes the title. The id, and with it the files, stay as they are. */
import { resolveId } from "../arguments/resolve-id.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

export const registerRename: Register = (program, run) => {
  program
    .command("rename <id> <title...>")
    .summary("give a conversation a new title")
    .description('Give a conversation a new title. Its id does not change; "fork" makes a copy under another id.')
    .addHelpText("after", '\nExamples:\n  draftstate rename @last "The whale, second try"')
    .action((wanted: string, words: string[]) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = await resolveId(manager, wanted);
        const revision = await manager.rename(id, words.join(" "));
        const title = (await manager.load(id))?.metadata.title ?? "";
        if (context.json) context.output.json({ conversationId: id, title, revision });
        else {
          context.output.message(`${id} is now called: ${toSafeLine(title)}`);
          context.output.message(`undo it with: draftstate undo ${id}`);
        }
      }),
    );
};
