/** A spinner on stderr, on a terminal that can show one, until something else is printed there. */
import type { Output } from "../../output.js";
import { toSafeStyled } from "../text/safe-text.js";

export interface Spinner {
  stop(): void;
}

export async function startSpinner(output: Output, text: string): Promise<Spinner> {
  const stream = output.errorTerminal;
  if (stream === undefined || !output.mayMoveCursor || output.quiet) return { stop: () => undefined };
  const { default: ora } = await import("ora");
  // `discardStdin` would take Ctrl-C and typed-ahead input away from us.
  const spinner = ora({ text: toSafeStyled(text, output.errorStyle), stream, discardStdin: false }).start();
  return {
    stop() {
      if (spinner.isSpinning) spinner.stop();
    },
  };
}
