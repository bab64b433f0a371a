/** Where the text of watched answers goes: to a pipe as it is, to a terminal laid out as `chat` does. */
import type { CommandContext } from "../../context.js";
import type { Screen } from "../../terminal/screen/screen.js";
import { SafeTextStream } from "../../terminal/text/safe-text.js";

export interface AnswerSink {
  push(text: string): void;
  endText(): void;
}

/** Ends each answer with a line break. */
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

/** What draws is loaded only where it draws. */
export async function answersOn(screen: Screen, { output }: CommandContext): Promise<AnswerSink> {
  const { AnswerView } = await import("../../terminal/screen/answer-view.js");
  return new AnswerView({ screen, style: output.style, below: () => [] });
}
