/** The draft's ways to save a whole state: what is written is the difference to what is there. */
import { isStreaming, messagesOf } from "../model/conversation.js";
import { isJsonObject, type JsonObject } from "../model/json.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";

/** Durable when it resolves. The end of a turn also makes the snapshot and a backup. */
export function saveState(sessions: Sessions, id: string, state: object): Promise<void> {
  return sessions.use(id, async (session) => {
    const before = session.state;
    session.replaceState(state);
    // Whether a turn is over is for the state that was saved to tell: an answer may begin while it is written.
    await (endsTurn(before, session.state) ? session.endTurn() : session.flush());
  });
}

/** In memory when it resolves, and durable where `isSaved`: otherwise the next save, the timer or closing saves it. */
export async function saveQuietly(sessions: Sessions, id: string, state: object, isSaved: boolean): Promise<void> {
  // Outside its turn, so that saves that come together share a sync.
  const { durable } = await sessions.use(id, (session) =>
    Promise.resolve({ durable: replace(session, state, isSaved) }),
  );
  await durable;
}

function replace(session: Session, state: object, isSaved: boolean): Promise<void> {
  session.replaceStateQuietly(state);
  if (!isSaved) return Promise.resolve();
  const durable = session.flush();
  // It is waited for by the caller, a moment later.
  durable.catch(() => undefined);
  return durable;
}

function endsTurn(before: JsonObject, after: JsonObject): boolean {
  if (isStreaming(after)) return false;
  const hasMessages = isJsonObject(after) && Array.isArray(after["messages"]);
  return !hasMessages || isStreaming(before) || messagesOf(before) !== messagesOf(after);
}
