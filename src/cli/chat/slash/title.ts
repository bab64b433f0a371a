/** `/title`: the title, or another one. */
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const title: SlashCommand = {
  name: "title",
  usage: "/title [title]",
  summary: "show the title, or set another",
  run: async ({ context, conversation, manager, turn }, text) => {
    if (text === "" || turn.openFirst !== undefined) {
      note(context, conversation.info.title ?? "there is no title yet: send a message first");
      return;
    }
    await manager.rename(conversation.id, text);
    note(context, `the title is now: ${text}`);
  },
};
