/** `/new`: starts a new conversation; nothing is kept of it until something is said. */
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const startNew: SlashCommand = {
  name: "new",
  usage: "/new [id]",
  summary: "start a new conversation",
  run: async (session, newId) => {
    const left = await session.startNew(newId === "" ? undefined : newId);
    if (left === undefined) note(session.context, "a new conversation");
    else note(session.context, `a new conversation; resume the previous one with: draftstate chat --resume ${left}`);
  },
};
