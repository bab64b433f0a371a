/** `/resume`: switches to another conversation, by id or from a list. */
import { resolveId } from "../../arguments/resolve-id.js";
import { carryOut, whatToDo } from "../interrupted.js";
import { pickConversation } from "../picker.js";
import { note } from "../say.js";
import type { ChatSession } from "../session.js";
import { sayWhere } from "../where.js";
import type { SlashCommand } from "./slash-command.js";

export const resume: SlashCommand = {
  name: "resume",
  usage: "/resume [id]",
  summary: "resume another conversation",
  run: async (session, wanted) => {
    const id = wanted === "" ? await pick(session) : await resolveId(session.manager, wanted);
    if (id === undefined) return;
    if (id === session.conversation.id) note(session.context, `${id} is already open`);
    else await resumeAt(session, id);
  },
};

async function resumeAt(session: ChatSession, id: string): Promise<void> {
  await session.switchTo(id);
  const { turn, context, conversation } = session;
  await sayWhere(context, conversation, session.turn.plain);
  const mayAsk = context.output.errorIsTerminal;
  const resumption = (await whatToDo(conversation, { ...turn, prompt: undefined, mayAsk })) ?? "keep";
  await carryOut(conversation, resumption, context);
  if (resumption === "continue" || resumption === "regenerate") await session.answer(undefined);
}

async function pick({ turn: { console }, context, manager }: ChatSession): Promise<string | undefined> {
  const rows = await manager.list();
  if (rows.length === 0) note(context, "no conversations yet");
  else if (console?.keyboard === undefined) note(context, "/resume needs an id here: /ls lists them");
  else return pickConversation(context, console.screen, console.keyboard, rows);
  return undefined;
}
