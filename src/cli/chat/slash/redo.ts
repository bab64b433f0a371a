/** `/redo`: brings back the turn that `/undo` took, as long as nothing came after it; those before it one by one. */
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const redo: SlashCommand = {
  name: "redo",
  usage: "/redo",
  summary: "bring back the turn that /undo took",
  run: async (session) => {
    const { context, conversation, manager, takenBack } = session;
    const last = takenBack.at(-1);
    if (last === undefined || last.id !== conversation.id || last.revision !== conversation.revision) {
      note(context, "there is nothing to redo: /undo was not the last change; /restore lists what can be brought back");
      return;
    }
    const before = conversation.version.state;
    await manager.restore(conversation.id, last.backup);
    takenBack.pop();
    const next = takenBack.pop();
    // It was at the revision that is back now.
    if (next !== undefined) takenBack.push({ ...next, revision: conversation.revision });
    session.before = before;
    note(context, "brought the turn back; /undo takes it again");
  },
};
