/** `/fork`: continues in a copy of this conversation. */
import { messagesOf } from "../../../model/conversation.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const fork: SlashCommand = {
  name: "fork",
  usage: "/fork [id]",
  summary: "continue in a copy",
  run: async (session, newId) => {
    const { context, conversation: from } = session;
    if (messagesOf(from.version.state).length === 0) {
      note(context, "there is nothing to copy yet");
      return;
    }
    await session.fork(newId === "" ? undefined : newId);
    note(
      context,
      `now in ${session.conversation.id}, a copy; resume the original with: draftstate chat --resume ${from.id}`,
    );
  },
};
