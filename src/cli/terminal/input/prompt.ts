/** Asks a person one question on the terminal. Questions go to stderr, since stdout is for data. */
import { createInterface } from "node:readline";
import type { Output } from "../../output.js";
import { toSafeStyled } from "../text/safe-text.js";
import { QuestionInterrupted } from "./question-interrupted.js";

/** Empty if the input ends instead (Ctrl-D). Throws `QuestionInterrupted` at Ctrl-C. */
export async function ask(input: NodeJS.ReadableStream, output: Output, question: string): Promise<string> {
  const terminal = createInterface({ input, output: output.errorTerminal });
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    let interrupted = false;
    terminal.once("SIGINT", () => {
      interrupted = true;
      terminal.close();
    });
    terminal.once("close", () => {
      // The cursor is still behind the question.
      if (answer === undefined) output.raw("\n");
      if (interrupted) reject(new QuestionInterrupted());
      else resolve((answer ?? "").trim());
    });
    terminal.question(toSafeStyled(question, output.errorStyle), (text) => {
      answer = text;
      terminal.close();
    });
  });
}

/** Only a clear yes is one. */
export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer);
}
