/** What `watch` shows: the growing answer as text, the events of one conversation as JSON lines, or a line for each change of any. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";
import type { CommandContext } from "../../context.js";
import { formatCount } from "../../terminal/text/format.js";
import { SafeTextStream, toSafeLine } from "../../terminal/text/safe-text.js";
import type { Screen } from "../../terminal/screen/screen.js";
import { paintStatus } from "../../terminal/text/status.js";

export interface WatchPresenter {
  show(events: readonly FollowEvent[], current: Followed | undefined, id: string): void;
  end(): void;
}

/** Where the text of answers goes, piece by piece. */
export interface AnswerSink {
  push(text: string): void;
  endText(): void;
}

/** A line break behind each answer. */
export class PlainAnswers implements AnswerSink {
  #safe = new SafeTextStream();
  #lastText = "\n";

  constructor(private readonly context: CommandContext) {}

  push(text: string): void {
    this.#put(this.#safe.push(text));
  }

  endText(): void {
    this.#put(this.#safe.end());
    this.#safe = new SafeTextStream();
    if (!this.#lastText.endsWith("\n")) this.#put("\n");
  }

  #put(text: string): void {
    if (text === "") return;
    this.context.output.data(text);
    this.#lastText = text;
  }
}

/** Laid out as `chat` does. */
export async function answersOn(screen: Screen, context: CommandContext): Promise<AnswerSink> {
  const { AnswerView } = await import("../../terminal/screen/answer-view.js");
  return new AnswerView({ screen, style: context.output.style, below: () => [] });
}

/** Only answers on stdout; the rest on stderr. */
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
        dim(`${id} is gone`);
        break;
      case "problem":
        output.warning(event.error.message);
        break;
      case "saved":
    }
  }
}

/** Who comes in the middle of an answer is told so before its text, and not in the middle of a line of it. */
function streamingFirst(events: readonly FollowEvent[]): FollowEvent[] {
  const isStreaming = (event: FollowEvent): boolean => event.kind === "status" && event.status === "streaming";
  return [...events.filter(isStreaming), ...events.filter((event) => !isStreaming(event))];
}

export class OneAsJson implements WatchPresenter {
  constructor(private readonly context: CommandContext) {}

  show(events: readonly FollowEvent[], _current: Followed | undefined, conversationId: string): void {
    for (const event of events) this.context.output.jsonLine(toLine(event, conversationId));
  }

  end(): void {
    return;
  }
}

function toLine(event: FollowEvent, conversationId: string): object {
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
      return { type: "problem", conversationId, code: event.error.code, message: event.error.message, revision };
  }
}

/** A line where something is not as the line before said. */
export class AllPresenter implements WatchPresenter {
  readonly #shown = new Map<string, string>();

  constructor(private readonly context: CommandContext) {}

  show(events: readonly FollowEvent[], current: Followed | undefined, id: string): void {
    const problem = events.find((event) => event.kind === "problem");
    if (problem !== undefined) this.#problem(id, problem);
    else if (current !== undefined) this.#changed(current);
    else if (events.some((event) => event.kind === "removed")) this.#removed(id);
  }

  end(): void {
    return;
  }

  #changed(current: Followed): void {
    const { conversationId, status, revision, tokenCount, title } = current;
    if (!this.#isNew(conversationId, `${status} ${revision}`)) return;
    const { output } = this.context;
    if (this.context.json) output.jsonLine({ type: "changed", ...current });
    else
      output.line(
        [
          this.#time(),
          conversationId,
          paintStatus(output.style, status)(status),
          `revision ${revision}`,
          `${formatCount(tokenCount)} tokens`,
          toSafeLine(title),
        ].join("  "),
      );
  }

  #removed(id: string): void {
    if (!this.#isNew(id, "removed")) return;
    if (this.context.json) this.context.output.jsonLine({ type: "removed", conversationId: id });
    else this.context.output.line(`${this.#time()}  ${id}  ${this.context.output.style.red("removed")}`);
  }

  #problem(id: string, { error }: Extract<FollowEvent, { kind: "problem" }>): void {
    if (!this.#isNew(id, error.message)) return;
    if (this.context.json)
      this.context.output.jsonLine({ type: "problem", conversationId: id, code: error.code, message: error.message });
    else this.context.output.warning(`${id}: ${error.message}`);
  }

  #isNew(id: string, look: string): boolean {
    if (this.#shown.get(id) === look) return false;
    this.#shown.set(id, look);
    return true;
  }

  #time(): string {
    return this.context.output.style.dim(this.context.now().toTimeString().slice(0, 8));
  }
}
