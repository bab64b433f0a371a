/** A conversation on the terminal: a line, an answer, and again. Ctrl-C stops an answer; at the prompt, twice leaves. */
import { createInterface } from "node:readline/promises";
import { stderr } from "node:process";
import { INTERRUPTED } from "../exit-status.js";
import { answerTo, type TurnContext } from "./answer.js";

const HELP = "/help  this list\n/exit  leave (Ctrl-D does too)\nCtrl-C stops an answer and keeps it; twice at the prompt leaves.";

type Line = { readonly kind: "line"; readonly text: string } | { readonly kind: "end" } | { readonly kind: "interrupt" };

/** A fresh reader for each line, so that while an answer streams nobody listens to the keys but the signal handler. */
async function readLine(turn: TurnContext): Promise<Line> {
  const { input } = turn.context.options;
  const reader = createInterface({ input, output: stderr, terminal: input.isTTY === true });
  const abort = new AbortController();
  let outcome: Line = { kind: "end" };
  reader.once("SIGINT", () => {
    outcome = { kind: "interrupt" };
    abort.abort();
  });
  reader.once("close", () => {
    abort.abort();
  });
  try {
    return { kind: "line", text: await reader.question("> ", { signal: abort.signal }) };
  } catch {
    return outcome;
  } finally {
    reader.close();
  }
}

/** Returns the exit status. */
export async function talk(turn: TurnContext): Promise<number> {
  const { output } = turn.context;
  output.message(output.errorStyle.dim("/help for help, /exit to leave"));
  let interrupted = false;
  for (;;) {
    const line = await readLine(turn);
    if (line.kind === "end") {
      output.message("");
      return 0;
    }
    if (line.kind === "interrupt") {
      output.message("");
      if (interrupted) return INTERRUPTED;
      interrupted = true;
      output.message(output.errorStyle.dim("press Ctrl-C again to leave"));
      continue;
    }
    interrupted = false;
    const text = line.text.trim();
    if (text === "/exit" || text === "/quit") return 0;
    if (text === "/help") output.message(HELP);
    else if (text.startsWith("/")) output.message(`unknown command ${text.split(" ")[0] ?? ""}: /help lists them`);
    else if (text !== "") await answerTo(turn, text);
    if (output.isClosed) return 0;
  }
}
