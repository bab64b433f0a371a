/** Where a person types in an interactive session: stdin or, after a piped prompt, the terminal itself. */
import type { CommandContext } from "../context.js";
import type { InputStream } from "../io.js";

export interface Person {
  readonly input: InputStream;
  /** Whether there is a terminal at both ends, to be asked at. */
  readonly mayBeAsked: boolean;
  close(): void;
}

/** Undefined if nothing more can be typed. */
export async function findPerson({ io, input, output }: CommandContext): Promise<Person | undefined> {
  if (input.isTTY === true) return { input, mayBeAsked: output.errorIsTerminal, close: () => undefined };
  const terminal = output.errorIsTerminal ? await io.openTerminal() : undefined;
  if (terminal !== undefined)
    return {
      input: terminal,
      mayBeAsked: true,
      close: () => {
        terminal.destroy();
      },
    };
  return input.readable ? { input, mayBeAsked: false, close: () => undefined } : undefined;
}
