/**
 * The built CLI on a real pseudo-terminal, its output read by a terminal emulator: type, paste, resize, and look at the
 * screen as a person does. Closes what it opened; keys and resizes go in at once, what is to be seen is waited for.
 */
import { spawn, type IPty } from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { PROGRAM, until, type Workspace } from "./cli.js";

export const KEYS = {
  enter: "\r",
  "alt-enter": "\u001b\r",
  "shift-enter": "\u001b[13;2u",
  tab: "\t",
  escape: "\u001b",
  backspace: "\u007f",
  delete: "\u001b[3~",
  up: "\u001b[A",
  down: "\u001b[B",
  right: "\u001b[C",
  left: "\u001b[D",
  home: "\u001b[H",
  end: "\u001b[F",
  "ctrl-a": "\u0001",
  "ctrl-b": "\u0002",
  "ctrl-c": "\u0003",
  "ctrl-d": "\u0004",
  "ctrl-e": "\u0005",
  "ctrl-k": "\u000b",
  "ctrl-l": "\u000c",
  "ctrl-o": "\u000f",
  "ctrl-r": "\u0012",
  "ctrl-u": "\u0015",
  "ctrl-w": "\u0017",
  "ctrl-y": "\u0019",
  "ctrl-z": "\u001a",
} as const;
export type KeyName = keyof typeof KEYS;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly status: number;
  readonly signal: number;
}

const SCROLLBACK = 100_000;

export class TerminalSession {
  readonly #emulator: xterm.Terminal;
  #bytes = "";
  #ended: Ended | undefined;
  readonly ended: Promise<Ended>;

  private constructor(
    private readonly pty: IPty,
    columns: number,
    rows: number,
    after: () => Promise<void>,
  ) {
    this.#emulator = new xterm.Terminal({ cols: columns, rows, scrollback: SCROLLBACK, allowProposedApi: true });
    // A terminal answers when it is asked where its cursor is, or what it is.
    this.#emulator.onData((answer) => this.pty.write(answer));
    this.pty.onData((text) => {
      this.#bytes += text;
      this.#emulator.write(text);
    });
    this.ended = new Promise((resolve) => {
      this.pty.onExit(({ exitCode, signal }) => {
        const ended = { status: exitCode, signal: signal ?? 0 };
        // What was written last may still be on its way through the emulator.
        this.#emulator.write("", () => {
          this.#ended = ended;
          resolve(after().then(() => ended));
        });
      });
    });
  }

  /** Starts `draftstate` with these arguments. */
  static start(workspace: Workspace, args: readonly string[], options: TerminalOptions = {}): TerminalSession {
    return TerminalSession.#spawn(workspace, process.execPath, [PROGRAM, ...args], options);
  }

  /** Starts a shell command in which `draftstate …` may be used: for pipes, and for what a terminal is like afterwards. */
  static startShell(workspace: Workspace, command: string, options: TerminalOptions = {}): TerminalSession {
    const program = `draftstate() { '${process.execPath}' '${PROGRAM}' "$@"; }`;
    return TerminalSession.#spawn(
      workspace,
      "/bin/bash",
      ["--norc", "--noprofile", "-c", `${program}\n${command}`],
      options,
    );
  }

  static #spawn(
    workspace: Workspace,
    file: string,
    args: readonly string[],
    { columns = 80, rows = 24, env = {} }: TerminalOptions,
  ): TerminalSession {
    workspace.pushNow();
    const clean = workspace.environment({ TERM: "xterm-256color", ...env });
    const pty = spawn(file, [...args], {
      cols: columns,
      rows,
      cwd: workspace.directory,
      env: clean,
      name: clean["TERM"] ?? "xterm-256color",
    });
    const session = new TerminalSession(pty, columns, rows, () => workspace.pull());
    workspace.onRemove(() => session.close());
    return session;
  }

  get pid(): number {
    return this.pty.pid;
  }

  /** All that was written, as it was written: for looking for what must never be there. */
  get bytes(): string {
    return this.#bytes;
  }

  /** The rows of the screen that are in view, without spaces at their ends. */
  get screen(): string {
    const buffer = this.#emulator.buffer.active;
    return this.#rows(buffer.viewportY, this.#emulator.rows).join("\n").trimEnd();
  }

  /** Everything that can be scrolled back to, rows as they are. */
  get scrollback(): string {
    return this.#rows(0, this.#emulator.buffer.active.length).join("\n").trimEnd();
  }

  /** The same as one would copy it: rows that the terminal itself wrapped are one line. */
  get copied(): string {
    const buffer = this.#emulator.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index += 1) {
      const line = buffer.getLine(index);
      const next = buffer.getLine(index + 1);
      const text = line?.translateToString(next?.isWrapped !== true) ?? "";
      if (line?.isWrapped === true) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
    }
    return lines.join("\n").trimEnd();
  }

  get cursor(): { readonly column: number; readonly row: number; readonly visible: boolean } {
    const buffer = this.#emulator.buffer.active;
    return {
      column: buffer.cursorX,
      row: buffer.cursorY,
      visible: this.#bytes.lastIndexOf("\u001b[?25l") <= this.#bytes.lastIndexOf("\u001b[?25h"),
    };
  }

  get bracketedPaste(): boolean {
    return this.#emulator.modes.bracketedPasteMode;
  }

  /** The text in view that is shown bold, or in another style. */
  styled(style: "bold" | "dim" | "italic" | "underline" | "colored"): string {
    const buffer = this.#emulator.buffer.active;
    let text = "";
    for (let y = 0; y < this.#emulator.rows; y += 1) {
      const line = buffer.getLine(buffer.viewportY + y);
      for (let x = 0; x < this.#emulator.cols; x += 1) {
        const cell = line?.getCell(x);
        if (cell === undefined) continue;
        const is = {
          bold: cell.isBold(),
          dim: cell.isDim(),
          italic: cell.isItalic(),
          underline: cell.isUnderline(),
          colored: cell.isFgDefault() ? 0 : 1,
        }[style];
        if (is !== 0) text += cell.getChars();
      }
    }
    return text;
  }

  /** As typed: what it holds goes to the program at once. */
  type(text: string): void {
    this.pty.write(text);
  }

  press(...names: readonly KeyName[]): void {
    for (const name of names) this.pty.write(KEYS[name]);
  }

  /** As terminals do it: line ends as Enter, and in brackets where the program asked for them. */
  paste(text: string): void {
    const typed = text.replaceAll(/\r?\n/g, "\r");
    this.pty.write(this.bracketedPaste ? `\u001b[200~${typed}\u001b[201~` : typed);
  }

  resize(columns: number, rows: number): void {
    this.#emulator.resize(columns, rows);
    this.pty.resize(columns, rows);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pty.pid, name);
  }

  /** Resolves when the screen in view shows the text, or fits the expression. */
  async shows(wanted: string | RegExp): Promise<string> {
    return this.until(
      (screen) => (typeof wanted === "string" ? screen.includes(wanted) : wanted.test(screen)),
      `the screen shows ${String(wanted)}`,
    );
  }

  /** Resolves when the screen in view no longer shows the text. */
  async shuns(unwanted: string | RegExp): Promise<string> {
    return this.until(
      (screen) => (typeof unwanted === "string" ? !screen.includes(unwanted) : !unwanted.test(screen)),
      `the screen no longer shows ${String(unwanted)}`,
    );
  }

  /** Resolves with the screen when it is as asked. */
  async until(isRight: (screen: string) => boolean, promise: string): Promise<string> {
    const look = (): string | undefined => {
      const { screen } = this;
      if (isRight(screen)) return screen;
      if (this.#ended !== undefined)
        throw new Error(
          `the program has ended (${JSON.stringify(this.#ended)}) before ${promise}:\n${this.scrollback}`,
        );
      return undefined;
    };
    return until(look, () => `${promise}; it shows:\n${this.screen}`);
  }

  /** Kills the program if it still runs, and lets go of the emulator. */
  async close(): Promise<void> {
    if (this.#ended === undefined) {
      this.pty.kill("SIGKILL");
      await this.ended;
    }
    this.#emulator.dispose();
  }

  #rows(from: number, count: number): string[] {
    const buffer = this.#emulator.buffer.active;
    return Array.from({ length: count }, (_, index) => buffer.getLine(from + index)?.translateToString(true) ?? "");
  }
}
