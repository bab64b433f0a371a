/** An answer drawn on a terminal as it streams, with a line below that says how it goes. */
import { openCalls } from "../../model/tool-calls.js";
import { AnswerView } from "../terminal/screen/answer-view.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";
import type { ChatConsole } from "./console.js";
import { statusLineFor, type StatusLine } from "./status-line.js";
import { toolLines } from "./tool-lines.js";
import { STALLED, type Presenter, type RequestEvent, type TurnContext, type TurnEvent } from "./session-types.js";

/** Milliseconds. */
const TICK = 100;

export class ScreenPresenter implements Presenter {
  readonly #status: StatusLine;
  readonly #view: AnswerView;
  #timer: NodeJS.Timeout;
  #shown = "";
  #isQuiet = false;

  constructor(
    private readonly turn: TurnContext,
    private readonly console: ChatConsole,
  ) {
    this.#status = statusLineFor(turn);
    this.#view = new AnswerView({
      screen: console.screen,
      style: turn.context.output.style,
      below: () => this.#statusRows(),
    });
    this.#timer = this.#animate();
    this.#view.draw();
  }

  #animate(): NodeJS.Timeout {
    return setInterval(() => {
      this.#status.tick();
      if (this.#status.text !== this.#shown) this.#view.draw();
    }, TICK);
  }

  show(event: TurnEvent): void {
    if (event.type === "token") {
      this.#status.token(this.turn.conversation.durableRevision);
      this.#view.push(event.text);
    } else if (event.type === "reasoning") this.#status.thinks();
    else if (event.type === "stalled") this.turn.context.output.warning(STALLED);
    else if (event.type === "calls") this.#status.calls(event.calls.map(({ name }) => name));
    else if (event.type === "tools") this.#showTools(event);
  }

  pause(): () => void {
    this.#rest();
    return () => {
      this.#isQuiet = false;
      this.#timer = this.#animate();
      this.#view.draw();
    };
  }

  request(event: RequestEvent): void {
    this.#status.request(event);
    this.#view.draw();
  }

  end(): void {
    this.#rest();
    this.#view.close();
  }

  /** What was said stands, with nothing below it. */
  #rest(): void {
    this.#isQuiet = true;
    clearInterval(this.#timer);
    this.#view.endText();
  }

  #showTools(event: Extract<TurnEvent, { type: "tools" }>): void {
    const { output } = this.turn.context;
    if (openCalls(event.state.messages).length === 0) this.#status.answered();
    this.#view.endText(output.quiet ? [] : toolLines(event, this.console.screen.columns).map(output.errorStyle.dim));
  }

  /** A column short, so that no terminal wraps it. */
  #statusRows(): string[] {
    this.#shown = this.#status.text;
    const { output } = this.turn.context;
    if (output.quiet || this.#isQuiet) return [];
    return [output.errorStyle.dim(truncateToWidth(toSafeLine(this.#status.text), this.console.screen.columns - 1))];
  }
}
