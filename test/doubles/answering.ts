/** Tokens as an answer has them: outside one they are refused. On its own, so that a real process can load it without the rest. */
import { isStreaming } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";

const AT = "2026-01-14T21:30:00.000Z";

/** An answer is under way from here on: what was told before stays, and tokens may follow. */
export function answering(conversation: Conversation): void {
  if (isStreaming(conversation.state)) return;
  conversation.update((draft) => {
    draft.streamingProperties = {
      ...draft.streamingProperties,
      streamingStartTime: AT,
      streamingEndTime: null,
    };
  });
}

/** A token, of the answer under way or of one that begins with it. */
export function token(conversation: Conversation, text: string): void {
  answering(conversation);
  conversation.appendToken(text);
}
