/** Measures one answer as it streams: a few additions a token, nothing else. What it came to is told once, at its end. */
import type { Usage } from "../model/conversation.js";

export interface AnswerMeasured {
  readonly status: "complete" | "interrupted" | "error";
  readonly tokens: number;
  readonly textBytes: number;
  /** Milliseconds from asking the model; null where no token came. */
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  /** As the model reported it. */
  readonly usage?: Usage;
}

export interface AnswerSums {
  readonly tokens: { add(amount?: number): void };
  readonly textBytes: { add(amount?: number): void };
}

export class AnswerMeter {
  readonly #begun: number;
  #tokens = 0;
  #textBytes = 0;
  #firstToken: number | undefined;
  #ended = false;

  constructor(
    private readonly sums: AnswerSums,
    private readonly elapsed: () => number,
    private readonly onEnd: (measured: AnswerMeasured) => void,
  ) {
    this.#begun = elapsed();
  }

  token(text: string): void {
    this.#firstToken ??= this.elapsed();
    const bytes = Buffer.byteLength(text);
    this.#tokens += 1;
    this.#textBytes += bytes;
    this.sums.tokens.add();
    this.sums.textBytes.add(bytes);
  }

  /** Only the first end counts. */
  end(status: AnswerMeasured["status"], usage?: Usage): void {
    if (this.#ended) return;
    this.#ended = true;
    const firstTokenMs = this.#firstToken === undefined ? null : this.#firstToken - this.#begun;
    this.onEnd({
      status,
      tokens: this.#tokens,
      textBytes: this.#textBytes,
      firstTokenMs,
      durationMs: this.elapsed() - this.#begun,
      ...(usage === undefined ? {} : { usage }),
    });
  }
}
