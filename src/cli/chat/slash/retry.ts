/** `/retry`: asks again for the last answer. */
import { lastRoleOf, takeBack } from "../last-turn.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const retry: SlashCommand = {
  name: "retry",
  usage: "/retry",
  summary: "ask for a new answer to the last question",
  run: async (session) => {
    if (lastRoleOf(session.conversation) !== "user") {
      const taken = await takeBack(session.conversation, "answer");
      if (taken === undefined) {
        note(session.context, "nothing was asked yet: there is no answer to retry");
        return;
      }
      note(session.context, `asking again; /restore ${taken.backup} brings the last answer back`);
    }
    await session.answerAnew();
  },
};
