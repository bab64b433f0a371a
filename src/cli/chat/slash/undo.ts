/** `/undo`: takes the last turn back; its question returns to the prompt. */
import { takeBack } from "../last-turn.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

/** A longer question would fill the prompt. */
const LONGEST = 2000;

export const undo: SlashCommand = {
  name: "undo",
  usage: "/undo",
  summary: "undo the last turn; its question returns to the prompt",
  run: async (session) => {
    const { conversation } = session;
    const before = conversation.version.state;
    const { revision } = conversation;
    const taken = await takeBack(conversation, "turn");
    if (taken === undefined) {
      note(session.context, "there is no turn to undo");
      return;
    }
    session.before = before;
    // Those of before stand only behind this one.
    if (session.takenBack.at(-1)?.revision !== revision) session.takenBack = [];
    session.takenBack.push({ id: conversation.id, backup: taken.backup, revision: conversation.revision });
    session.initial = taken.question.length < LONGEST ? taken.question : "";
    note(
      session.context,
      `undid the last turn, its question is at the prompt; /redo brings it back, and so does /restore ${taken.backup}`,
    );
  },
};
