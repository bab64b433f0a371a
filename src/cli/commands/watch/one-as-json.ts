/** One watched conversation as lines of JSON. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";
import type { CommandContext } from "../../context.js";
import type { WatchPresenter } from "./presenter.js";

export class OneAsJson implements WatchPresenter {
  constructor(private readonly context: CommandContext) {}

  show(events: readonly FollowEvent[], _current: Followed | undefined, conversationId: string): void {
    const { output } = this.context;
    for (const event of events) output.jsonLine(toLine(event, conversationId, (text) => output.worded(text)));
  }

  end(): void {
    return;
  }
}

function toLine(event: FollowEvent, conversationId: string, worded: (text: string) => string): object {
  const { kind, revision } = event;
  switch (kind) {
    case "text":
      return { type: "token", conversationId, text: event.text, revision, tokenCount: event.tokenCount };
    case "message":
      return {
        type: "message",
        conversationId,
        role: event.role,
        messageId: event.messageId,
        text: event.role === "assistant" ? null : event.text,
        revision,
      };
    case "restart":
      return { type: "restart", conversationId, revision };
    case "saved":
      return { type: "saved", conversationId, revision, tokenCount: event.tokenCount };
    case "status":
      return { type: "status", conversationId, status: event.status, revision };
    case "removed":
      return { type: "removed", conversationId, revision };
    case "problem":
      return {
        type: "problem",
        conversationId,
        code: event.error.code,
        message: worded(event.error.message),
        revision,
      };
  }
}
