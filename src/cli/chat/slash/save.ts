/** `/save`: makes a backup. */
import { messagesOf } from "../../../model/conversation.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const save: SlashCommand = {
  name: "save",
  usage: "/save [tag]",
  summary: "make a backup",
  run: async ({ context, conversation }, tag) => {
    if (messagesOf(conversation.version.state).length === 0) {
      note(context, "there is nothing to save yet");
      return;
    }
    const timestamp = await conversation.backup({ reason: "manual", ...(tag === "" ? {} : { tag }) });
    note(context, `saved backup ${timestamp}${tag === "" ? "" : `, tagged ${tag}`}`);
  },
};
