/** An answer drawn on a terminal as it streams: words wrapped, Markdown readable, a line below that says how it goes. */
import { AnswerLayout } from "../terminal/answer-layout.js";
import { SafeTextStream, toSafeLine } from "../terminal/safe-text.js";
import { truncateToWidth } from "../terminal/width.js";
import type { ChatConsole } from "./console.js";
import { StatusLine } from "./status-line.js";
import { toolLines } from "./tool-lines.js";
import { STALLED, type Presenter, type RequestEvent, type TurnContext, type TurnEvent } from "./turn-context.js";

/** Milliseconds. */
const TICK = 100;
/** Rows that may stay open to change, at most. */
const MAX_LIVE = 12;

export class ScreenPresenter implements Presenter {
  readonly #safe = new SafeTextStream();
  readonly #status = new StatusLine();
  readonly #layout: AnswerLayout;
  readonly #timer: NodeJS.Timeout;
  readonly #forgetResize: () => void;
  #shown = "";

  constructor(private readonly turn: TurnContext, private readonly console: ChatConsole) {
    const { style } = turn.context.output;
    this.#layout = new AnswerLayout({ markdown: style.colored, style, columns: console.screen.columns, maxLive: this.#maxLive });
    this.#forgetResize = console.screen.onResize(() => {
      this.#layout.resize(console.screen.columns, this.#maxLive);
      this.#draw();
    });
    this.#timer = setInterval(() => {
      this.#status.tick();
      if (this.#status.text !== this.#shown) this.#draw();
    }, TICK);
    this.#draw();
  }

  show(event: TurnEvent): void {
    if (event.type === "token") {
      this.#layout.push(this.#safe.push(event.text));
      this.#status.token(this.turn.context.now().getTime(), this.turn.conversation.durableRevision);
      this.#draw();
    } else if (event.type === "stalled") this.turn.context.output.warning(STALLED);
    else if (event.type === "tools") this.#showTools(event);
  }

  request(event: RequestEvent): void {
    this.#status.request(event);
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#forgetResize();
    this.#endText();
    this.console.screen.print(this.#layout.take());
  }

  get #maxLive(): number {
    return Math.max(1, Math.min(MAX_LIVE, this.console.screen.rows - 3));
  }

  #endText(): void {
    this.#layout.push(this.#safe.end());
    this.#layout.end();
  }

  #showTools(event: Extract<TurnEvent, { type: "tools" }>): void {
    this.#endText();
    const { dim } = this.turn.context.output.errorStyle;
    const lines = this.turn.context.output.quiet ? [] : toolLines(event, this.console.screen.columns).map(dim);
    this.console.screen.print([...this.#layout.take(), ...lines], this.#statusRows());
  }

  #draw(): void {
    this.#shown = this.#status.text;
    this.console.screen.print(this.#layout.take(), [...this.#layout.live(), ...this.#statusRows()]);
  }

  /** A column short, so that no terminal wraps it. */
  #statusRows(): string[] {
    const { output } = this.turn.context;
    if (output.quiet) return [];
    return [output.errorStyle.dim(truncateToWidth(toSafeLine(this.#status.text), this.console.screen.columns - 1))];
  }
}
