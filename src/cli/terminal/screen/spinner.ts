/** A spinner on stderr until something else is to be seen there. */
import { stderr } from "node:process";

export interface Spinner {
  stop(): void;
}

export async function startSpinner(text: string): Promise<Spinner> {
  const { default: ora } = await import("ora");
  // `discardStdin` would take Ctrl-C and what is typed ahead away from us.
  const spinner = ora({ text, stream: stderr, discardStdin: false }).start();
  return {
    stop() {
      if (spinner.isSpinning) spinner.stop();
    },
  };
}
