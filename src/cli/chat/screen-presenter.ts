/** An answer drawn on a terminal as it streams, with a line below that says how it goes. */
import type { Key } from "../terminal/input/keys.js";
import { AnswerView } from "../terminal/screen/answer-view.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";
import type { ChatConsole } from "./console.js";
import { statusLineFor, type StatusLine } from "./status-line.js";
import { ThoughtView } from "./thought-view.js";
import { toolLines } from "./tool-lines.js";
import { STALLED, type Presenter, type RequestEvent, type TurnContext, type TurnEvent } from "./session-types.js";

/** Milliseconds. */
const TICK = 100;
/** Of what the model thinks, while it comes. */
const MAX_THOUGHT_ROWS = 8;

export class ScreenPresenter implements Presenter {
  readonly #status: StatusLine;
  readonly #view: AnswerView;
  readonly #thought: ThoughtView;
  readonly #timer: NodeJS.Timeout;
  #shown = "";
  #ended = false;

  constructor(
    private readonly turn: TurnContext,
    private readonly console: ChatConsole,
  ) {
    this.#status = statusLineFor(turn);
    this.#thought = new ThoughtView(() => turn.context.now().getTime());
    this.#view = new AnswerView({
      screen: console.screen,
      style: turn.context.output.style,
      below: () => [...this.#thoughtRows(), ...this.#statusRows()],
    });
    this.#timer = setInterval(() => {
      this.#status.tick();
      if (this.#status.text !== this.#shown) this.#view.draw();
    }, TICK);
    this.#view.draw();
  }

  show(event: TurnEvent): void {
    if (event.type === "token") {
      this.#foldThought();
      this.#status.token(this.turn.conversation.durableRevision);
      this.#view.push(event.text);
    } else if (event.type === "reasoning") this.#think(event.text);
    else if (event.type === "stalled") this.turn.context.output.warning(STALLED);
    else if (event.type === "tools") this.#showTools(event);
  }

  /** Ctrl-O. */
  key(key: Key): boolean {
    if (key.kind !== "key" || key.name !== "ctrl-o") return false;
    this.#thought.toggle();
    this.#view.draw();
    return true;
  }

  request(event: RequestEvent): void {
    this.#status.request(event);
    this.#view.draw();
  }

  end(): void {
    this.#foldThought();
    this.#ended = true;
    clearInterval(this.#timer);
    this.#view.close();
    this.#view.endText();
  }

  #showTools(event: Extract<TurnEvent, { type: "tools" }>): void {
    this.#foldThought();
    const { output } = this.turn.context;
    this.#view.endText(output.quiet ? [] : toolLines(event, this.console.screen.columns).map(output.errorStyle.dim));
  }

  #think(text: string): void {
    this.#status.thinks();
    if (!this.#showsThought) return;
    this.#thought.push(text);
    this.#view.draw();
  }

  get #showsThought(): boolean {
    const { settings, output } = this.turn.context;
    return settings.reasoning && !output.quiet;
  }

  #foldThought(): void {
    const line = this.#thought.fold();
    if (line !== undefined) this.#view.endText([this.turn.context.output.style.dim(line)]);
  }

  #thoughtRows(): string[] {
    if (this.#ended) return [];
    const { columns, rows } = this.console.screen;
    const most = Math.max(1, Math.min(MAX_THOUGHT_ROWS, Math.floor(rows / 3)));
    return this.#thought.rows(columns, most, this.turn.context.output.style);
  }

  /** A column short, so that no terminal wraps it. */
  #statusRows(): string[] {
    this.#shown = this.#status.text;
    const { output } = this.turn.context;
    if (output.quiet || this.#ended) return [];
    return [output.errorStyle.dim(truncateToWidth(toSafeLine(this.#status.text), this.console.screen.columns - 1))];
  }
}
