/** One watched conversation as text: its answers on stdout, the rest on stderr. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";
import type { CommandContext } from "../../context.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import type { AnswerSink } from "./answers.js";
import type { WatchPresenter } from "./presenter.js";

export class OneAsText implements WatchPresenter {
  #begun = false;

  constructor(
    private readonly context: CommandContext,
    private readonly answers: AnswerSink,
  ) {}

  show(events: readonly FollowEvent[], _current: Followed | undefined, id: string): void {
    const ordered = this.#begun ? events : streamingFirst(events);
    this.#begun = true;
    for (const event of ordered) this.#showOne(event, id);
  }

  end(): void {
    this.answers.endText();
  }

  #showOne(event: FollowEvent, id: string): void {
    const { output } = this.context;
    const dim = (text: string): void => {
      output.message(output.errorStyle.dim(toSafeLine(text)));
    };
    switch (event.kind) {
      case "text":
        this.answers.push(event.text);
        break;
      case "restart":
        this.end();
        break;
      case "message":
        this.end();
        if (event.role !== "assistant") dim(`${event.role}: ${event.text}`);
        break;
      case "status":
        if (event.status !== "streaming") this.end();
        dim(`${id} is ${event.status} at revision ${event.revision}`);
        break;
      case "removed":
        this.end();
        dim(`${id} was removed`);
        break;
      case "problem":
        output.warning(event.error.message);
        break;
      case "saved":
    }
  }
}

/** A watcher that starts in the middle of an answer reads so before its text, not in the middle of a line of it. */
function streamingFirst(events: readonly FollowEvent[]): FollowEvent[] {
  const isStreaming = (event: FollowEvent): boolean => event.kind === "status" && event.status === "streaming";
  return [...events.filter(isStreaming), ...events.filter((event) => !isStreaming(event))];
}
