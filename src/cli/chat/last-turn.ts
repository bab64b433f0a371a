/** Takes back the last turn, or only its answer, after saving a backup. */
import { idleStreaming, messagesOf, textOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../session/conversation.js";

export type TakenBack = "answer" | "turn";

export interface Taken {
  /** The backup that has it. */
  readonly backup: string;
  /** The question it answered. */
  readonly question: string;
}

export function lastRoleOf(conversation: Conversation): unknown {
  const last = messagesOf(conversation.version.state).at(-1);
  return isJsonObject(last) ? last["role"] : undefined;
}

/** The last question; undefined if nothing was asked yet. */
export function lastQuestionOf(conversation: Conversation): string | undefined {
  const question = messagesOf(conversation.version.state).findLast(
    (message) => isJsonObject(message) && message["role"] === "user",
  );
  return isJsonObject(question) ? textOf(question["content"]) : undefined;
}

/** Undefined, and nothing done, if there is no turn. */
export async function takeBack(conversation: Conversation, what: TakenBack): Promise<Taken | undefined> {
  const question = lastQuestionOf(conversation);
  if (question === undefined) return undefined;
  const backup = await conversation.backup({ reason: "restore" });
  conversation.update((draft) => {
    const asked = draft.messages.findLastIndex((message) => message.role === "user");
    draft.messages.splice(what === "answer" ? asked + 1 : asked);
    draft.currentNarrative = "";
    draft.streamingProperties = { ...idleStreaming() };
  });
  await conversation.flush();
  return { backup, question };
}
