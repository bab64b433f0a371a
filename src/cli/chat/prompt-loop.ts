/** A message, an answer, and again. Errors are printed, and the prompt comes back. */
import { messageOf } from "../../errors.js";
import { messagesOf, textOf } from "../../model/conversation.js";
import { isJsonObject, ownValue, type Json } from "../../model/json.js";
import { INTERRUPTED } from "../exit-status.js";
import { toSafeText } from "../terminal/text/safe-text.js";
import { nameMeantBy } from "./completion.js";
import { readMessage, readPlainLine, type Line } from "./message-prompt.js";
import { note } from "./say.js";
import type { ChatSession } from "./session.js";
import { SLASH_COMMANDS } from "./slash/commands.js";
import type { SlashCommand } from "./slash/slash-command.js";
import { lastRows } from "./thought-view.js";

/** Returns the exit status. */
export async function talk(session: ChatSession): Promise<number> {
  const { context, turn } = session;
  note(context, "/help for help, /exit to leave");
  if (turn.console?.keyboard !== undefined) turn.console.keyboard.keepsInterrupts = true;
  let interrupted = false;
  while (!context.output.isClosed) {
    const line = await readLine(session);
    if (line.kind === "end") return 0;
    if (line.kind === "signal") return line.status;
    if (line.kind === "interrupt" && interrupted) return INTERRUPTED;
    interrupted = line.kind === "interrupt";
    if (line.kind === "interrupt") note(context, "press Ctrl-C again to leave");
    else if ((await answerLine(session, line.text)) === "leave") return session.ending ?? 0;
  }
  return 0;
}

function readLine(session: ChatSession): Promise<Line> {
  const { console, input } = session.turn;
  const { context, initial } = session;
  session.initial = "";
  if (console?.keyboard === undefined) return readPlainLine(context, input, "> ");
  return readMessage(context, console.screen, console.keyboard, {
    prompt: "> ",
    initial,
    history: session.history.entries,
    complete: (before) => choicesFor(session, before),
    unfold: (columns, most) => unfoldedThought(session, columns, most),
  });
}

/** Of the last answer; nothing where it is hidden. */
function unfoldedThought({ context, conversation }: ChatSession, columns: number, most: number): readonly string[] {
  if (!context.settings.reasoning) return [];
  const { errorStyle: style } = context.output;
  const answer = messagesOf(conversation.version.state).findLast((message) => roleOf(message) === "assistant");
  const thought = isJsonObject(answer) ? textOf(ownValue(answer, "reasoning")) : "";
  if (thought === "") return [style.dim("the last answer has no reasoning")];
  return lastRows(toSafeText(thought), columns, most, style);
}

function roleOf(message: Json): Json | undefined {
  return isJsonObject(message) ? ownValue(message, "role") : undefined;
}

function choicesFor(session: ChatSession, before: string): readonly string[] {
  if (!before.includes(" ")) return SLASH_COMMANDS.map(({ name }) => `/${name}`);
  return SLASH_COMMANDS.find(({ name }) => before.startsWith(`/${name} `))?.complete?.(session) ?? [];
}

async function answerLine(session: ChatSession, text: string): Promise<"stay" | "leave"> {
  if (text.trim() === "") return "stay";
  const isMessage = !text.startsWith("/");
  try {
    if (isMessage) await session.begin();
    await session.history.add(text);
    if (isMessage) await session.answer(text.trim());
    else if ((await runCommand(session, text)) === "leave") return "leave";
  } catch (error) {
    session.context.output.error(messageOf(error));
  }
  return session.ending === undefined ? "stay" : "leave";
}

async function runCommand(session: ChatSession, text: string): Promise<"stay" | "leave"> {
  const [, word = "", rest = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  const command = commandNamed(word);
  if (command !== undefined) return (await command.run(session, rest)) ?? "stay";
  const meant = nameMeantBy(
    word,
    SLASH_COMMANDS.map(({ name }) => name),
  );
  const hint = meant === undefined ? "/help lists them" : `did you mean /${meant}?`;
  session.context.output.error(
    `unknown command /${word}: ${hint}${rest !== "" ? "; put a space before it to send it as a message" : ""}`,
  );
  return "stay";
}

function commandNamed(word: string): SlashCommand | undefined {
  return SLASH_COMMANDS.find(({ name, alias }) => name === word || alias === word);
}
