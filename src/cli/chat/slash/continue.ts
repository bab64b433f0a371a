/** `/continue`: lets the model continue an answer that was cut off, or answer an open question. */
import { messagesOf, statusOf } from "../../../model/conversation.js";
import { cutShortMessage } from "../../../model/finish-reasons.js";
import { openCalls } from "../../../model/tool-calls.js";
import type { Conversation } from "../../../session/conversation.js";
import { lastRoleOf } from "../last-turn.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

function isOpen(conversation: Conversation): boolean {
  const { state } = conversation.version;
  const role = lastRoleOf(conversation);
  if (openCalls(conversation.state.messages).length > 0) return true;
  const isCut = statusOf(state) !== "complete" || cutShortMessage(messagesOf(state).at(-1)) !== undefined;
  return messagesOf(state).length > 0 && (role === "user" || role === "tool" || isCut);
}

export const continueAnswer: SlashCommand = {
  name: "continue",
  usage: "/continue",
  summary: "continue an answer that was cut off",
  run: async (session) => {
    if (isOpen(session.conversation)) await session.answer(undefined);
    else if (messagesOf(session.conversation.version.state).length === 0)
      note(session.context, "nothing was asked yet: send a message");
    else note(session.context, "the last answer is complete: send a message to ask for more");
  },
};
