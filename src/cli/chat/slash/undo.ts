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
    const before = session.conversation.version.state;
    const taken = await takeBack(session.conversation, "turn");
    if (taken === undefined) {
      note(session.context, "there is no turn to undo");
      return;
    }
    session.before = before;
    session.initial = taken.question.length < LONGEST ? taken.question : "";
    note(
      session.context,
      `undid the last turn, its question is at the prompt; /restore ${taken.backup} brings it back`,
    );
  },
};
