/** Reads a message at the prompt: an editor with history and completion on a terminal that can, plain lines elsewhere. */
import { createInterface } from "node:readline";
import type { CommandContext } from "../context.js";
import type { InputStream } from "../io.js";
import { layOutMessage, windowOf, type EditorView } from "../terminal/input/editor-view.js";
import { catchInterrupts } from "../terminal/input/interrupts.js";
import type { Keyboard } from "../terminal/input/keyboard.js";
import type { Key } from "../terminal/input/keys.js";
import { LineEditor } from "../terminal/input/line-editor.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Screen } from "../terminal/screen/screen.js";
import { truncateToWidth } from "../terminal/text/width.js";
import { completionsOf, type Completions } from "./completion.js";

export type Line =
  | { readonly kind: "line"; readonly text: string }
  /** Ctrl-D, or the terminal has gone. */
  | { readonly kind: "end" }
  /** Ctrl-C; `cleared` if it discarded a text. */
  | { readonly kind: "interrupt"; readonly cleared: boolean }
  /** The process was asked to end. */
  | { readonly kind: "signal"; readonly status: number };

export interface PromptOptions {
  readonly prompt: string;
  readonly history: readonly string[];
  readonly complete: (text: string) => readonly string[];
  readonly initial?: string;
  /** What Ctrl-O unfolds above the message, in at most so many rows. */
  readonly unfold?: (columns: number, most: number) => readonly string[];
}

const MARGIN = "  ";

export function readMessage(
  context: CommandContext,
  screen: Screen,
  keyboard: Keyboard,
  options: PromptOptions,
): Promise<Line> {
  return new Promise((resolve) => {
    new MessagePrompt(context, screen, options).run(keyboard, resolve);
  });
}

class MessagePrompt {
  readonly #editor: LineEditor;
  #hint = "";
  #isUnfolded = false;

  constructor(
    private readonly context: CommandContext,
    private readonly screen: Screen,
    private readonly options: PromptOptions,
  ) {
    this.#editor = new LineEditor(options.history);
    this.#editor.set(options.initial ?? "");
  }

  run(keyboard: Keyboard, resolve: (line: Line) => void): void {
    const releases: (() => void)[] = [];
    let ended = keyboard.ended;
    const finish = (line: Line, mark = ""): void => {
      ended = true;
      for (const release of releases) release();
      this.#stand(mark);
      resolve(line);
    };
    const interrupts = catchInterrupts(this.context.io.control, () => {
      finish({ kind: "signal", status: interrupts.status ?? 1 });
    });
    releases.push(
      () => {
        interrupts.release();
      },
      this.screen.onResize(() => {
        this.#draw();
      }),
      keyboard.onEnd(() => {
        finish({ kind: "end" });
      }),
    );
    this.#draw();
    // Keys after an Enter are for the next prompt.
    const take = (key: Key): boolean | "done" => {
      const line = this.#handle(key);
      if (line === undefined) {
        this.#draw();
        return true;
      }
      finish(line, line.kind === "interrupt" ? "^C" : "");
      return "done";
    };
    if (ended) finish({ kind: "end" });
    else releases.push(keyboard.listen(take));
  }

  #handle(key: Key): Line | undefined {
    const editor = this.#editor;
    this.#hint = "";
    if (key.kind === "key" && key.name === "ctrl-o") {
      this.#isUnfolded = !this.#isUnfolded;
      return undefined;
    }
    switch (editor.handle(key)) {
      case "submit":
        return { kind: "line", text: editor.text };
      case "end":
        return { kind: "end" };
      case "interrupt":
        return { kind: "interrupt", cleared: editor.text !== "" };
      case "clear":
        this.screen.clear();
        return undefined;
      case "complete":
        this.#complete();
        return undefined;
      default:
        return undefined;
    }
  }

  #complete(): void {
    const editor = this.#editor;
    const completions: Completions = completionsOf(editor.text.slice(0, editor.cursor), this.options.complete);
    if (completions.insert === undefined && !editor.text.startsWith("/")) editor.insert("\t");
    else if (completions.insert !== undefined) editor.replace(completions.from, completions.insert);
    this.#hint = completions.choices.join("  ");
  }

  #draw(): void {
    const { columns, rows } = this.screen;
    const hint = this.#hintRow();
    const view = windowOf(this.#view(columns), Math.max(1, rows - 1 - hint.length));
    const above = this.#unfolded(rows - 1 - hint.length - view.rows.length);
    this.screen.show([...above, ...view.rows, ...hint], { ...view.cursor, row: view.cursor.row + above.length });
  }

  #unfolded(most: number): readonly string[] {
    return this.#isUnfolded && most > 0 ? (this.options.unfold?.(this.screen.columns, most) ?? []) : [];
  }

  #view(columns: number): EditorView {
    const { rows, cursor } = layOutMessage(this.#editor, columns);
    const prompt = this.context.output.errorStyle.bold(this.options.prompt);
    return { rows: rows.map((row, index) => (index === 0 ? prompt : MARGIN) + row), cursor };
  }

  #hintRow(): string[] {
    const { searching } = this.#editor;
    const hint = searching === undefined ? this.#hint : `history: ${searching}`;
    return hint === ""
      ? []
      : [this.context.output.errorStyle.dim(truncateToWidth(toSafeLine(hint), this.screen.columns - 1))];
  }

  /** What was written stays above what follows, whole. */
  #stand(mark: string): void {
    const { rows } = this.#view(this.screen.columns);
    const last = rows.at(-1) ?? "";
    this.screen.print([...rows.slice(0, -1), last + mark]);
  }
}

/** On a terminal that can do nothing, and through pipes: a line at a time, with a backslash for more. */
export async function readPlainLine(
  { io, output }: CommandContext,
  input: InputStream | undefined,
  prompt: string,
): Promise<Line> {
  if (input === undefined) return { kind: "end" };
  const reader = createInterface({ input, terminal: false });
  const interrupts = catchInterrupts(io.control, () => {
    reader.close();
  });
  const lines: string[] = [];
  let ended = true;
  output.raw(prompt);
  for await (const line of reader) {
    lines.push(line.replace(/\\$/, ""));
    ended = false;
    if (!line.endsWith("\\")) break;
    ended = true;
    output.raw(prompt);
  }
  interrupts.release();
  reader.close();
  if (interrupts.status === 130) return { kind: "interrupt", cleared: lines.length > 0 };
  if (interrupts.status !== undefined) return { kind: "signal", status: interrupts.status };
  return ended && lines.length === 0 ? { kind: "end" } : { kind: "line", text: lines.join("\n") };
}
