/**
 * The status line below an answer: what is waited for and for how long, until the first token and whenever none comes; else
 * how it streams. Pure except for its state.
 */
import { formatCount, pluralize } from "../terminal/text/format.js";
import { requestNote, type RequestEvent, type TurnContext } from "./session-types.js";

const FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
/** Milliseconds after which a wait is counted, before the first token and after it. */
const PATIENCE = 1000;
const SILENCE = 3000;
const THINKING = "thinking";

export class StatusLine {
  #waitingFor: string;
  /** When the present wait began, after the last token or the last news of a request. */
  #since: number;
  #frame = 0;
  #tokens = 0;
  #firstAt: number | undefined;
  #lastAt = 0;
  #savedRevision = 0;

  constructor(
    private readonly model: string,
    private readonly now: () => number,
  ) {
    this.#waitingFor = `waiting for ${model}`;
    this.#since = now();
  }

  request(event: RequestEvent): void {
    if (event.kind === "answered") this.#wait(`waiting for the first token from ${event.host}`);
    else if (event.kind === "failed") this.#wait(requestNote(event) ?? this.#waitingFor);
    else if (event.kind === "sent" && event.attempt === 1) this.#wait(`connecting to ${event.host}`);
  }

  /** Reasoning arrives: timed from its first part. */
  thinks(): void {
    if (this.#waitingFor !== THINKING) this.#wait(THINKING);
  }

  calls(names: readonly string[]): void {
    this.#firstAt = undefined;
    this.#wait(`calling ${names.join(", ")}`);
  }

  /** A person was asked: what they took is no wait for what is called. */
  asked(): void {
    this.#wait(this.#waitingFor);
  }

  /** The results are there: the model is asked again. */
  answered(): void {
    if (this.#waitingFor.startsWith("calling ")) this.#wait(`waiting for ${this.model}`);
  }

  token(savedRevision: number): void {
    this.#lastAt = this.now();
    this.#firstAt ??= this.#lastAt;
    this.#tokens += 1;
    this.#savedRevision = savedRevision;
    this.#wait("waiting for more");
  }

  tick(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
  }

  /** Short: a terminal that is made narrower wraps what is long, and moves its cursor with it. */
  get text(): string {
    const waited = this.now() - this.#since;
    if (this.#firstAt === undefined || this.#waitingFor === THINKING) return this.#waiting(waited, PATIENCE);
    if (waited >= SILENCE) return `${this.#waiting(waited, SILENCE)} · ${pluralize(this.#tokens, "token")}`;
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    // In the first moments a rate is noise.
    const rate = seconds < 0.5 ? "" : ` · ${formatCount(this.#tokens / seconds)}/s`;
    return `${pluralize(this.#tokens, "token")}${rate} · saved r${this.#savedRevision}`;
  }

  #wait(waitingFor: string): void {
    this.#waitingFor = waitingFor;
    this.#since = this.now();
  }

  #waiting(waited: number, patience: number): string {
    const length = waited < patience ? "" : ` (${formatCount(Math.floor(waited / 1000))} s)`;
    return `${FRAMES.charAt(this.#frame)} ${this.#waitingFor} …${length}`;
  }
}

export function statusLineFor({ chosen, context }: TurnContext): StatusLine {
  return new StatusLine(chosen.agent.modelName ?? "the model", () => context.now().getTime());
}
