/**
 * Answers drawn on a terminal as they grow: words wrapped, Markdown readable where there are colours, any size of window.
 * Text that can no longer change is permanent; rows of others may follow the live ones.
 */
import { AnswerLayout } from "./answer-layout.js";
import { CombiningLimit } from "../text/combining.js";
import { SafeTextStream } from "../text/safe-text.js";
import type { Screen } from "./screen.js";
import type { Style } from "../text/style.js";

export interface AnswerViewOptions {
  readonly screen: Screen;
  readonly style: Style;
  /** Live rows below the text, asked for at each drawing. */
  readonly below: () => readonly string[];
}

/** Rows that may stay open to change, at most. */
const MAX_LIVE = 12;

export class AnswerView {
  #safe = new SafeTextStream();
  #combining = new CombiningLimit();
  #layout: AnswerLayout;
  readonly #forgetResize: () => void;

  constructor(private readonly options: AnswerViewOptions) {
    this.#layout = this.#newLayout();
    this.#forgetResize = options.screen.onResize(() => {
      this.#layout.resize(options.screen.columns, this.#maxLive);
      this.draw();
    });
  }

  push(text: string): void {
    this.#layout.push(this.#combining.push(this.#safe.push(text)));
    this.draw();
  }

  draw(): void {
    this.options.screen.print(this.#layout.take(), [...this.#layout.live(), ...this.options.below()]);
  }

  /** Makes all of the text permanent, and these rows after it; later text starts a new one. */
  endText(rows: readonly string[] = []): void {
    this.#layout.push(this.#combining.push(this.#safe.end()));
    this.#layout.end();
    this.options.screen.print([...this.#layout.take(), ...rows], this.options.below());
    this.#safe = new SafeTextStream();
    this.#combining = new CombiningLimit();
    this.#layout = this.#newLayout();
  }

  close(): void {
    this.#forgetResize();
  }

  get #maxLive(): number {
    return Math.max(1, Math.min(MAX_LIVE, this.options.screen.rows - 3));
  }

  #newLayout(): AnswerLayout {
    const { screen, style } = this.options;
    return new AnswerLayout({ markdown: style.colored, style, columns: screen.columns, maxLive: this.#maxLive });
  }
}
