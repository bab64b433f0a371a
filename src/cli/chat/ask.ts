/** One question with a short answer, on the chat's own console or as plain lines. */
import type { CommandContext } from "../context.js";
import type { InputStream } from "../io.js";
import { isYes } from "../terminal/input/prompt.js";
import { toSafeText } from "../terminal/text/safe-text.js";
import type { ChatConsole } from "./console.js";
import { readMessage, readPlainLine } from "./message-prompt.js";
import { say } from "./say.js";

export interface Asking {
  readonly context: CommandContext;
  readonly console: ChatConsole | undefined;
  /** Undefined if the user cannot be asked. */
  readonly input: InputStream | undefined;
}

/** Undefined where the person left instead: Ctrl-C, Ctrl-D. */
export async function askAt({ context, console, input }: Asking, question: string): Promise<string | undefined> {
  const [lastLine = "", ...before] = question.split("\n").reverse();
  for (const line of before.reverse()) say(context, line);
  const keyboard = console?.keyboard;
  if (console === undefined || keyboard === undefined) return textOf(await readPlainLine(context, input, lastLine));
  say(context, lastLine.trimEnd());
  return textOf(
    await readMessage(context, console.screen, keyboard, { prompt: "? ", history: [], complete: () => [] }),
  );
}

/** Undefined if the user cannot be asked. Only a clear yes counts. */
export function confirmAt(asking: Asking): ((question: string) => Promise<boolean>) | undefined {
  const { context, input } = asking;
  if (input?.isTTY !== true || !context.output.errorIsTerminal || context.json) return undefined;
  return async (question) => isYes((await askAt(asking, toSafeText(question))) ?? "");
}

function textOf(line: Awaited<ReturnType<typeof readPlainLine>>): string | undefined {
  return line.kind === "line" ? line.text.trim() : undefined;
}
