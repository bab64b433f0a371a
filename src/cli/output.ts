/**
 * The two output streams: data goes to stdout, everything else to stderr. The only door to a terminal (lint forbids
 * others): nothing passes that the terminal would obey, but our own styles and what `draw` is for. A reader that closes its end early is no error:
 * what is written afterwards is dropped, and listeners are told.
 */
import { DraftstateError, systemErrorCode } from "../errors.js";
import { withCommandsOf, wrapMessage, type Caller } from "./command-hints.js";
import { inCommandTerms } from "./library-terms.js";
import type { Environment, OutputStream } from "./io.js";
import { toSafeJson } from "../formats/acting-characters.js";
import { toSafeLine, toSafeStyled } from "./terminal/text/safe-text.js";
import { createStyle, type Style } from "./terminal/text/style.js";

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
}

function asTerminal(stream: OutputStream): NodeJS.WriteStream | undefined {
  return isTerminal(stream) ? stream : undefined;
}

/** Only Node's own streams say so. */
function isTerminal(stream: OutputStream): stream is NodeJS.WriteStream {
  return stream.isTTY === true;
}

export class Output {
  readonly style: Style;
  readonly errorStyle: Style;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #onClosed = new Set<() => void>();
  #closed = false;
  #failure: DraftstateError | undefined;
  /** The cursor is behind an unfinished line of data: what goes to stderr starts a line of its own. */
  #midLine = false;
  quiet = false;
  /** How commands are named in messages. */
  caller: Caller = { program: "draftstate", flags: [] };
  /** Called around each message: what is drawn below the text must be moved out of its way. */
  around: ((write: () => void) => void) | undefined;

  constructor(options: OutputOptions) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.style = createStyle({ isTerminal: this.isTerminal, env: options.env });
    this.errorStyle = createStyle({ isTerminal: this.errorIsTerminal, env: options.env });
    this.#stdout.on("error", (error) => {
      this.#streamFailed(error);
    });
    this.#stderr.on("error", () => undefined);
    this.mayMoveCursor = this.errorIsTerminal && options.env["TERM"] !== "dumb";
  }

  /** Whether spinners and the like can be drawn. */
  readonly mayMoveCursor: boolean;

  get isTerminal(): boolean {
    return this.terminal !== undefined;
  }

  get errorIsTerminal(): boolean {
    return this.errorTerminal !== undefined;
  }

  /** Stdout, if it is a terminal. */
  get terminal(): NodeJS.WriteStream | undefined {
    return asTerminal(this.#stdout);
  }

  /** Stderr, if it is a terminal: questions, spinners and what is drawn for a person. */
  get errorTerminal(): NodeJS.WriteStream | undefined {
    return asTerminal(this.#stderr);
  }

  /** Columns of the terminal; undefined for a pipe. */
  get width(): number | undefined {
    return this.isTerminal ? (this.#stdout.columns ?? 80) : undefined;
  }

  /** The same of stderr. */
  get errorWidth(): number | undefined {
    return this.errorIsTerminal ? (this.#stderr.columns ?? 80) : undefined;
  }

  /** Rows of the terminal; undefined for a pipe. */
  get height(): number | undefined {
    return this.isTerminal ? (this.#stdout.rows ?? 24) : undefined;
  }

  /** Why stdout could not be written, unless its reader just left. */
  get failure(): DraftstateError | undefined {
    return this.#failure;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Calls back when the reader of stdout has gone. */
  onClosed(listener: () => void): void {
    this.#onClosed.add(listener);
  }

  data(text: string): void {
    if (this.#closed || text === "") return;
    this.#stdout.write(this.isTerminal ? toSafeStyled(text, this.style) : text);
    this.#midLine = this.isTerminal && !text.endsWith("\n");
  }

  line(text: string): void {
    this.data(`${text}\n`);
  }

  json(value: unknown): void {
    this.line(toSafeJson(JSON.stringify(value, null, 2)));
  }

  jsonLine(value: unknown): void {
    this.line(toSafeJson(JSON.stringify(value)));
  }

  /** The text in the terms of commands, each as it works here; messages are printed so. */
  worded(text: string): string {
    return withCommandsOf(this.caller, inCommandTerms(text));
  }

  /** Problems or checks, each detail in those terms. */
  detailed<Found extends { readonly detail: string }>(found: readonly Found[]): Found[] {
    return found.map((each) => ({ ...each, detail: this.worded(each.detail) }));
  }

  /** For people; not printed with --quiet. */
  message(text: string): void {
    if (!this.quiet) this.#say(text);
  }

  /** For people, also with --quiet. One line, whatever is in it. */
  warning(text: string): void {
    this.#say(`${this.errorStyle.yellow("warning:")} ${toSafeLine(text)}`);
  }

  error(text: string): void {
    this.#say(`${this.errorStyle.red("error:")} ${toSafeLine(text)}`);
  }

  #say(text: string): void {
    const line = wrapMessage(this.worded(text), this.errorWidth, this.caller);
    const write = (): void => {
      this.#stderr.write(
        `${this.#midLine && this.errorIsTerminal ? "\n" : ""}${toSafeStyled(line, this.errorStyle)}\n`,
      );
      this.#midLine = false;
    };
    if (this.around === undefined) write();
    else this.around(write);
  }

  /** Text of several lines for people, as it is: a stack, a help, a question that its answer stands behind. */
  raw(text: string): void {
    this.#stderr.write(toSafeStyled(text, this.errorStyle));
  }

  /** A line that is written over, on a terminal: `text` after the control sequence, which is ours. */
  draw(control: string, text: string): void {
    this.#stderr.write(control + toSafeStyled(text, this.errorStyle));
  }

  /** Resolves when what was written has left this process. */
  async flushed(): Promise<void> {
    for (const stream of [this.#stdout, this.#stderr]) {
      await new Promise<void>((resolve) => {
        stream.write("", () => {
          resolve();
        });
      });
    }
  }

  #streamFailed(error: unknown): void {
    this.#closed = true;
    for (const listener of this.#onClosed) listener();
    this.#onClosed.clear();
    if (systemErrorCode(error) === "EPIPE" || this.#failure !== undefined) return;
    this.#failure = new DraftstateError(
      "STORAGE",
      `cannot write to stdout (${systemErrorCode(error) ?? "unknown"}): check where it leads`,
      { cause: error },
    );
  }
}
