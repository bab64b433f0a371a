/** A conversation on the terminal: a line, an answer, and again. Ctrl-C stops an answer; at the prompt, twice leaves. */
import { createInterface } from "node:readline";
import { stderr } from "node:process";
import { INTERRUPTED } from "../exit-status.js";
import { answerTo, type TurnContext } from "./answer.js";

const HELP = "/help  this list\n/exit  leave (Ctrl-D does too)\nCtrl-C stops an answer and keeps it; twice at the prompt leaves.";

type Line = { readonly kind: "line"; readonly text: string } | { readonly kind: "end" } | { readonly kind: "interrupt" };

/** Lines that come this close together were pasted, and are one message. Milliseconds. */
const PASTE_GAP = 25;

/** A fresh reader for each message, so that while an answer streams nobody listens to the keys but the signal handler. */
async function readLine(turn: TurnContext): Promise<Line> {
  const { input } = turn.context.options;
  const reader = createInterface({ input, output: stderr, terminal: input.isTTY === true, prompt: "> " });
  const lines: string[] = [];
  const outcome = await new Promise<Line>((resolve) => {
    let gap: NodeJS.Timeout | undefined;
    reader.on("line", (line) => {
      lines.push(line);
      clearTimeout(gap);
      gap = setTimeout(() => {
        // The last line of a paste may have no end.
        resolve({ kind: "line", text: [...lines, reader.line].join("\n") });
      }, PASTE_GAP);
    });
    reader.once("SIGINT", () => {
      resolve({ kind: "interrupt" });
    });
    reader.once("close", () => {
      resolve(lines.length === 0 ? { kind: "end" } : { kind: "line", text: lines.join("\n") });
    });
    reader.prompt();
  });
  reader.close();
  return outcome;
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
    else if (text !== "" && (await answerTo(turn, text)) === INTERRUPTED) output.message(output.errorStyle.dim("stopped; what there is of the answer is kept as interrupted"));
    if (output.isClosed) return 0;
  }
}
