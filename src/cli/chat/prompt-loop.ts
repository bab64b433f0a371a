/** A message, an answer, and again. What goes wrong is said, and the prompt comes back. */
import { messageOf } from "../../errors.js";
import { INTERRUPTED } from "../exit-status.js";
import { nearest } from "./completion.js";
import { readMessage, readPlainLine, type Line } from "./message-prompt.js";
import { note } from "./say.js";
import { answerHere, moveIn, type Session } from "./session.js";
import { SLASH_COMMANDS, type SlashCommand } from "./slash-commands.js";

/** Returns the exit status. */
export async function talk(session: Session): Promise<number> {
  const { output } = session.turn.context;
  note(session.turn.context, "/help for help, /exit to leave");
  if (session.turn.console?.keyboard !== undefined) session.turn.console.keyboard.keepsInterrupts = true;
  let interrupted = false;
  while (!output.isClosed) {
    const line = await readLine(session);
    if (line.kind === "end") return 0;
    if (line.kind === "signal") return line.status;
    if (line.kind === "interrupt" && interrupted) return INTERRUPTED;
    interrupted = line.kind === "interrupt";
    if (line.kind === "interrupt") note(session.turn.context, "press Ctrl-C again to leave");
    else if ((await answerLine(session, line.text)) === "leave") return session.ending ?? 0;
  }
  return 0;
}

function readLine(session: Session): Promise<Line> {
  const { context, console } = session.turn;
  const { initial } = session;
  session.initial = "";
  if (console?.keyboard === undefined) return readPlainLine(context, session.turn.input, "> ");
  return readMessage(context, console.screen, console.keyboard, {
    prompt: "> ",
    initial,
    history: session.history.entries,
    complete: (before) => choicesFor(session, before),
  });
}

function choicesFor(session: Session, before: string): readonly string[] {
  if (!before.includes(" ")) return SLASH_COMMANDS.map(({ name }) => `/${name}`);
  return SLASH_COMMANDS.find(({ name }) => before.startsWith(`/${name} `))?.complete?.(session) ?? [];
}

async function answerLine(session: Session, text: string): Promise<"stay" | "leave"> {
  if (text.trim() === "") return "stay";
  const isMessage = !text.startsWith("/");
  try {
    if (isMessage) await moveIn(session.turn);
    await session.history.add(text);
    if (isMessage) await answerHere(session, text.trim());
    else if ((await runCommand(session, text)) === "leave") return "leave";
  } catch (error) {
    session.turn.context.output.error(messageOf(error));
  }
  return session.ending === undefined ? "stay" : "leave";
}

async function runCommand(session: Session, text: string): Promise<"stay" | "leave"> {
  const [word = "", ...rest] = text.trim().slice(1).split(/\s+/);
  const command = commandNamed(word);
  if (command !== undefined) return (await command.run(session, rest.join(" "))) ?? "stay";
  const meant = nearest(
    word,
    SLASH_COMMANDS.map(({ name }) => name),
  );
  const hint = meant === undefined ? "/help lists them" : `did you mean /${meant}?`;
  session.turn.context.output.error(
    `there is no command /${word}: ${hint}${text.trim().includes(" ") ? "; a space before it sends it as a message" : ""}`,
  );
  return "stay";
}

function commandNamed(word: string): SlashCommand | undefined {
  return SLASH_COMMANDS.find(({ name, alias }) => name === word || alias === word);
}
