/** `/edit`: writes the message in the person's editor; it returns to the prompt, to be sent with Enter. */
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const edit: SlashCommand = {
  name: "edit",
  usage: "/edit [text]",
  summary: "write your message in $EDITOR; it returns to the prompt",
  run: async (session, text) => {
    const { context, turn } = session;
    const { console, input } = turn;
    if (console?.keyboard === undefined || input === undefined) {
      note(context, "/edit needs a terminal");
      return;
    }
    const { editText } = await import("../../terminal/input/text-editor.js");
    const isStdoutTerminal = context.output.isTerminal;
    const edited = await console.keyboard.lend(() => editText(text, { io: context.io, input, isStdoutTerminal }));
    if (edited.kind === "failed") note(context, `${edited.reason}; nothing was changed`);
    else session.initial = edited.text;
  },
};
