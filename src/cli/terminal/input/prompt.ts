/** Asks a person one question on the terminal. Questions go to stderr, since stdout is for data. */
import { createInterface } from "node:readline";
import { stderr } from "node:process";

/** Ctrl-C at a question: nothing was decided, and nothing more is to be done. */
export class QuestionInterrupted extends Error {
  constructor() {
    super("interrupted at a question");
    this.name = "QuestionInterrupted";
  }
}

/** Empty where the input ends instead (Ctrl-D). Throws `QuestionInterrupted` at Ctrl-C. */
export async function ask(input: NodeJS.ReadableStream, question: string): Promise<string> {
  const terminal = createInterface({ input, output: stderr });
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    let interrupted = false;
    terminal.once("SIGINT", () => {
      interrupted = true;
      terminal.close();
    });
    terminal.once("close", () => {
      // The cursor still stands behind the question.
      if (answer === undefined) stderr.write("\n");
      if (interrupted) reject(new QuestionInterrupted());
      else resolve((answer ?? "").trim());
    });
    terminal.question(question, (text) => {
      answer = text;
      terminal.close();
    });
  });
}

/** False for anything but a clear yes. */
export async function confirm(input: NodeJS.ReadableStream, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(input, question));
}
