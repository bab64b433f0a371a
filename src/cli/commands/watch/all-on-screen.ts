/** Every watched conversation on a terminal: one line each, drawn anew in place as it changes. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";
import type { CommandContext } from "../../context.js";
import type { Screen } from "../../terminal/screen/screen.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { truncateToWidth } from "../../terminal/text/width.js";
import { createStyle } from "../../terminal/text/style.js";
import { changeLine } from "./all.js";
import type { WatchPresenter } from "./presenter.js";

const PLAIN = createStyle({ isTerminal: false, env: {} });

export class AllOnScreen implements WatchPresenter {
  /** By conversation, the one that changed last at the end. */
  readonly #lines = new Map<string, string>();
  readonly #problems = new Map<string, string>();
  readonly #forgetResize: () => void;

  constructor(
    private readonly context: { readonly output: Pick<CommandContext["output"], "warning">; readonly now: () => Date },
    private readonly screen: Screen,
  ) {
    this.#forgetResize = screen.onResize(() => {
      this.#draw();
    });
  }

  show(events: readonly FollowEvent[], current: Followed | undefined, id: string): void {
    const problem = events.find((event) => event.kind === "problem");
    if (problem !== undefined) this.#warn(id, problem.error.message);
    else if (current !== undefined) this.#put(id, changeLine(current, PLAIN));
    else if (events.some((event) => event.kind === "removed")) this.#put(id, `${id}  removed`);
  }

  /** What was seen last stays. */
  end(): void {
    this.#forgetResize();
    this.screen.print(this.#rows(this.#lines.size));
  }

  #warn(id: string, message: string): void {
    if (this.#problems.get(id) === message) return;
    this.#problems.set(id, message);
    this.context.output.warning(`${id}: ${message}`);
  }

  /** One that is shown keeps its place. */
  #put(id: string, line: string): void {
    const isShown = [...this.#lines.keys()].slice(-this.#room).includes(id);
    if (!isShown) this.#lines.delete(id);
    this.#lines.set(id, `${this.context.now().toTimeString().slice(0, 8)}  ${line}`);
    this.#draw();
  }

  #draw(): void {
    this.screen.show(this.#rows(this.#room));
  }

  get #room(): number {
    return Math.max(1, this.screen.rows - 2);
  }

  #rows(count: number): string[] {
    const lines = [...this.#lines.values()].slice(-count);
    return lines.map((line) => truncateToWidth(toSafeLine(line), this.screen.columns - 1));
  }
}
