/** Every watched conversation, as lines of text or JSON: one for each change. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";
import type { CommandContext } from "../../context.js";
import { formatCount } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import type { Style } from "../../terminal/text/style.js";
import { paintStatus } from "../../terminal/text/status.js";
import type { WatchPresenter } from "./presenter.js";

export function changeLine({ conversationId, status, revision, tokenCount, title }: Followed, style: Style): string {
  return [
    conversationId,
    paintStatus(style, status)(status),
    `revision ${revision}`,
    `${formatCount(tokenCount)} tokens`,
    toSafeLine(title),
  ].join("  ");
}

/** A line only if something differs from the line before. */
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
    const { conversationId, status, revision } = current;
    if (!this.#isNew(conversationId, `${status} ${revision}`)) return;
    const { output } = this.context;
    if (this.context.json) output.jsonLine({ type: "changed", ...current });
    else output.line(`${this.#time()}  ${changeLine(current, output.style)}`);
  }

  #removed(id: string): void {
    if (!this.#isNew(id, "removed")) return;
    if (this.context.json) this.context.output.jsonLine({ type: "removed", conversationId: id });
    else this.context.output.line(`${this.#time()}  ${id}  ${this.context.output.style.red("removed")}`);
  }

  #problem(id: string, { error }: Extract<FollowEvent, { kind: "problem" }>): void {
    if (!this.#isNew(id, error.message)) return;
    if (this.context.json)
      this.context.output.jsonLine({
        type: "problem",
        conversationId: id,
        code: error.code,
        message: this.context.output.worded(error.message),
      });
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
