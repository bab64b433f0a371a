/** `/help`: every command, and the keys of the prompt. */
import { note } from "../say.js";
import { helpRows } from "./help-rows.js";
import type { SlashCommand } from "./slash-command.js";

/** Without a terminal that says how wide it is. */
const WIDTH = 100;

export function helpOn(commands: () => readonly SlashCommand[]): SlashCommand {
  return {
    name: "help",
    alias: "?",
    usage: "/help",
    summary: "show this list",
    run: async ({ context }) => {
      const { output } = context;
      for (const row of helpRows(commands(), output.errorWidth ?? WIDTH, output.errorStyle)) output.message(row);
      note(
        context,
        "Enter sends; Alt-Enter, or a backslash at the end of a line, starts another line. ↑ ↓ and Ctrl-R search earlier messages, Tab completes commands, Ctrl-O unfolds what the model thought.",
      );
      note(
        context,
        "Ctrl-C stops an answer and keeps it; at the prompt it clears the line, pressed twice it leaves, as Ctrl-D does. What you type during an answer waits for the prompt.",
      );
    },
  };
}
