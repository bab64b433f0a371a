/** `/retry`: asks again for the last answer. */
import { lastRoleOf, takeBack } from "../last-turn.js";
import { note } from "../say.js";
import type { ChatSession } from "../session.js";
import type { SlashCommand } from "./slash-command.js";

export const retry: SlashCommand = {
  name: "retry",
  usage: "/retry",
  summary: "ask for a new answer to the last question",
  run: async (session) => {
    if (lastRoleOf(session.conversation) === "user") {
      await session.answer(undefined);
      return;
    }
    const taken = await takeBack(session.conversation, "answer");
    if (taken === undefined) {
      note(session.context, "nothing was asked yet: there is no answer to retry");
      return;
    }
    note(session.context, "asking again");
    await session.answerAnew();
    await sayWhereItIs(session, taken.backup);
  },
};

/** The new answer made a backup, for which retention may have removed the old one. */
async function sayWhereItIs({ context, conversation, manager }: ChatSession, backup: string): Promise<void> {
  const isThere = (await manager.listBackups(conversation.id)).some(({ timestamp }) => timestamp === backup);
  if (isThere) note(context, `/restore ${backup} brings the previous answer back`);
}
