/** An answer drawn on a terminal as it streams, with a line below that says how it goes. */
import { openCalls } from "../../model/tool-calls.js";
import type { Key } from "../terminal/input/keys.js";
import { AnswerView } from "../terminal/screen/answer-view.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { truncateToWidth } from "../terminal/text/width.js";
import type { ChatConsole } from "./console.js";
import { statusLineFor, type StatusLine } from "./status-line.js";
import { ThoughtView } from "./thought-view.js";
import { toolPath } from "../tools/tool-path.js";
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
  #timer: NodeJS.Timeout;
  #shown = "";
  #isQuiet = false;

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
      this.#foldThought();
      this.#status.token(this.turn.conversation.durableRevision);
      this.#view.push(event.text);
    } else if (event.type === "reasoning") this.#think(event.text);
    else if (event.type === "stalled") this.turn.context.output.warning(STALLED);
    else if (event.type === "calls") this.#status.calls(event.calls.map(({ name }) => this.#pathOf(name)));
    else if (event.type === "tools") this.#showTools(event);
  }

  /** Ctrl-O. */
  key(key: Key): boolean {
    if (key.kind !== "key" || key.name !== "ctrl-o") return false;
    this.#thought.toggle();
    this.#view.draw();
    return true;
  }

  pause(): () => void {
    this.#rest();
    return () => {
      this.#isQuiet = false;
      this.#status.asked();
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
    this.#foldThought();
    this.#isQuiet = true;
    clearInterval(this.#timer);
    this.#view.endText();
  }

  #showTools(event: Extract<TurnEvent, { type: "tools" }>): void {
    this.#foldThought();
    const { output } = this.turn.context;
    if (openCalls(event.state.messages).length === 0) this.#status.answered();
    this.#view.endText(
      output.quiet ? [] : toolLines(event, this.#pathOf, this.console.screen.columns).map(output.errorStyle.dim),
    );
  }

  readonly #pathOf = (name: string): string => toolPath(this.turn.tools, name);

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
    if (this.#isQuiet) return [];
    const { columns, rows } = this.console.screen;
    const most = Math.max(1, Math.min(MAX_THOUGHT_ROWS, Math.floor(rows / 3)));
    return this.#thought.rows(columns, most, this.turn.context.output.style);
  }

  /** A column short, so that no terminal wraps it. */
  #statusRows(): string[] {
    this.#shown = this.#status.text;
    const { output } = this.turn.context;
    if (output.quiet || this.#isQuiet) return [];
    return [output.errorStyle.dim(truncateToWidth(toSafeLine(this.#status.text), this.console.screen.columns - 1))];
  }
}
