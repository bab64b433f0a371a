/** The status line below an answer, while it streams and before its first token. Pure except for its state. */
import { formatCount, pluralize } from "../terminal/text/format.js";
import { requestNote, type RequestEvent } from "./session-types.js";

const FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

export class StatusLine {
  #waitingFor = "thinking …";
  #thinkingSince: number | undefined;
  #frame = 0;
  #tokens = 0;
  #firstAt: number | undefined;
  #lastAt = 0;
  #savedRevision = 0;

  request(event: RequestEvent): void {
    if (event.kind === "answered") this.#waitingFor = `waiting for the first token from ${event.host} …`;
    else if (event.kind === "failed") this.#waitingFor = requestNote(event) ?? this.#waitingFor;
    else if (event.kind === "sent" && event.attempt === 1) this.#waitingFor = `connecting to ${event.host} …`;
  }

  /** The seconds are those of what has come: still while nothing comes. */
  thinks(at: number): void {
    this.#thinkingSince ??= at;
    const seconds = Math.floor((at - this.#thinkingSince) / 1000);
    this.#waitingFor = seconds === 0 ? "thinking …" : `thinking for ${formatCount(seconds)} s …`;
  }

  token(at: number, savedRevision: number): void {
    this.#firstAt ??= at;
    this.#lastAt = at;
    this.#tokens += 1;
    this.#savedRevision = savedRevision;
  }

  tick(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
  }

  /** Short, and still while nothing comes: a terminal that is made narrower wraps what is long, and moves its cursor with it. */
  get text(): string {
    if (this.#firstAt === undefined) return `${FRAMES.charAt(this.#frame)} ${this.#waitingFor}`;
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    // In the first moments a rate is noise.
    const rate = seconds < 0.5 ? "" : ` · ${formatCount(this.#tokens / seconds)}/s`;
    return `${pluralize(this.#tokens, "token")}${rate} · saved r${this.#savedRevision}`;
  }
}
