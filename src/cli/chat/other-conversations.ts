/** Going over from one conversation to another without leaving: the list, one that is there, a copy, a new one. */
import { messagesOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../session/conversation.js";
import { assertConversationId } from "../../store/names.js";
import { resolveId } from "../arguments/resolve-id.js";
import { formatAge, pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { carryOut, whatToDo } from "./interrupted.js";
import { chooseModel, sayModel, wantedFor, type Wanted } from "./model.js";
import { pickConversation } from "./picker.js";
import { recapOf } from "./recap.js";
import { note, noteWithCommand, say } from "./say.js";
import { answerHere, type Session } from "./session.js";
import { openStandIn, openWhenSaid, openExisting } from "./start.js";
import type { ChosenModel, TurnContext } from "./session-types.js";

const LISTED = 10;

export function hasSystem(conversation: Conversation): boolean {
  return messagesOf(conversation.version.state).some(
    (message) => isJsonObject(message) && message["role"] === "system",
  );
}

/** For a person at a terminal alone. */
export function sayWhere({ context }: Pick<TurnContext, "context">, conversation: Conversation): void {
  const { output } = context;
  if (output.errorWidth === undefined || context.json) return;
  output.message(
    recapOf(conversation.version, {
      id: conversation.id,
      columns: output.errorWidth,
      style: output.errorStyle,
      now: context.now(),
    }),
  );
}

export async function list({ turn, manager }: Session): Promise<undefined> {
  const { context, conversation } = turn;
  const rows = await manager.list();
  if (rows.length === 0) note(context, "there is no conversation yet");
  for (const { conversationId, title, updatedAt, messageCount, status } of rows.slice(0, LISTED)) {
    const age = updatedAt === null ? [] : [formatAge(new Date(updatedAt), context.now())];
    const parts = [
      ...(title === "" ? [] : [title]),
      ...age,
      pluralize(messageCount, "message"),
      ...(status === "complete" ? [] : [status]),
    ];
    say(
      context,
      toSafeLine(`${conversationId === conversation.id ? "*" : " "} ${conversationId}  ${parts.join(" · ")}`),
    );
  }
  if (rows.length > LISTED) note(context, `and ${rows.length - LISTED} more; /resume lets you choose among all`);
}

export async function resume(session: Session, wanted: string): Promise<undefined> {
  const { turn, manager } = session;
  const id = wanted === "" ? await pick(session) : await resolveId(manager, wanted);
  if (id === undefined) return;
  if (id === turn.conversation.id) {
    note(turn.context, `this is ${id}`);
    return;
  }
  await goOver(session, id);
  sayWhere(turn, turn.conversation);
  const resumption =
    (await whatToDo(turn.conversation, { ...turn, prompt: undefined, mayAsk: turn.context.output.errorIsTerminal })) ??
    "keep";
  await carryOut(turn.conversation, resumption, turn.context);
  if (resumption === "continue" || resumption === "regenerate") await answerHere(session, undefined);
}

async function pick({ turn, manager }: Session): Promise<string | undefined> {
  const { context, console } = turn;
  const rows = await manager.list();
  if (rows.length === 0) note(context, "there is no conversation yet");
  else if (console?.keyboard === undefined) note(context, "/resume needs an id here: /ls lists them");
  else return pickConversation(context, console.screen, console.keyboard, rows);
  return undefined;
}

/** Until the other is open and has a model the one here stays; then its lock is let go. */
async function goOver(session: Session, id: string): Promise<void> {
  const { turn, manager } = session;
  const from = turn.conversation;
  await from.flush();
  const to = await openExisting(manager, id);
  const wanted = wantedFor(turn.context, to.info, hasSystem(to));
  const chosen = await choose(session, wanted, to);
  Object.assign(turn, { conversation: to, chosen, openFirst: undefined, title: undefined });
  Object.assign(session, { wanted, before: undefined, points: [] });
  sayModel(turn.context, chosen);
  await from.close();
}

async function choose({ turn, manager }: Session, wanted: Wanted, to: Conversation): Promise<ChosenModel> {
  try {
    return await chooseModel({ context: turn.context, manager, progress: turn.progress }, wanted);
  } catch (error) {
    await to.close();
    throw error;
  }
}

export async function fork(session: Session, newId: string): Promise<undefined> {
  const { turn, manager } = session;
  if (newId !== "") assertConversationId(newId);
  const from = turn.conversation;
  if (messagesOf(from.version.state).length === 0) {
    note(turn.context, "there is nothing to copy yet");
    return;
  }
  await from.flush();
  const { conversationId } = await manager.fork(from.id, newId === "" ? {} : { newId });
  turn.conversation = await manager.open(conversationId, { expect: "existing" });
  session.before = undefined;
  await from.close();
  noteWithCommand(
    turn.context,
    `now in ${conversationId}, a copy; the other goes on with`,
    `draftstate chat --resume ${from.id}`,
  );
}

export async function begin(session: Session, newId: string): Promise<undefined> {
  const { turn, manager } = session;
  if (newId !== "") assertConversationId(newId);
  const openFirst = await openWhenSaid(manager, newId === "" ? undefined : newId);
  const from = turn.conversation;
  const wasUsed = turn.openFirst === undefined;
  turn.conversation = await openStandIn(turn.context);
  turn.openFirst = openFirst;
  turn.title = undefined;
  session.before = undefined;
  await from.close();
  if (wasUsed)
    noteWithCommand(turn.context, "a new conversation; the other goes on with", `draftstate chat --resume ${from.id}`);
  else note(turn.context, "a new conversation");
}
