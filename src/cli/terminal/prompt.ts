/** Asks a person one question on the terminal. Questions go to stderr, since stdout is for data. */
import { createInterface } from "node:readline/promises";
import { stderr } from "node:process";

export async function ask(input: NodeJS.ReadableStream, question: string): Promise<string> {
  const terminal = createInterface({ input, output: stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

/** False for anything but a clear yes. */
export async function confirm(input: NodeJS.ReadableStream, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(input, question));
}
