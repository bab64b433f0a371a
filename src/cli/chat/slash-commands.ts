/** What can be said at the prompt beside messages. Each command is what users of coding agents expect under its name. */
import { messagesOf, statusOf, textOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import { readBackupVersion, resolveBackup } from "../../store/backups.js";
import { fromTimestamp } from "../../store/names.js";
import { formatAge, pluralize } from "../terminal/text/format.js";
import { toSafeLine, toSafeText } from "../terminal/text/safe-text.js";
import { renderStateDiff } from "../terminal/diff/state-diff.js";
import { askAt } from "./ask.js";
import { helpRows } from "./help.js";
import { lastRoleOf, takeBack } from "./last-turn.js";
import { chooseModel } from "./model.js";
import { begin, fork, list, resume } from "./other-conversations.js";
import { note, say } from "./say.js";
import { answerHere, type Session } from "./session.js";

/** Where no terminal says how wide it is. */
const WIDTH = 100;

export interface SlashCommand {
  readonly name: string;
  readonly alias?: string;
  readonly usage: string;
  readonly summary: string;
  readonly complete?: (session: Session) => readonly string[];
  readonly run: (session: Session, rest: string) => Promise<"leave" | undefined>;
}

async function help({ turn: { context } }: Session): Promise<undefined> {
  const { output } = context;
  for (const row of helpRows(SLASH_COMMANDS, output.errorWidth ?? WIDTH, output.errorStyle)) output.message(row);
  note(
    context,
    "Enter sends; Alt-Enter, or a backslash at the end of a line, begins another. ↑ ↓ and Ctrl-R find what was said before, Tab completes commands.",
  );
  note(
    context,
    "Ctrl-C stops an answer and keeps it; at the prompt it clears the line, twice leaves, as Ctrl-D does. What you type while an answer comes waits for the prompt.",
  );
}

async function undo(session: Session): Promise<undefined> {
  const { conversation } = session.turn;
  const before = conversation.version.state;
  const taken = await takeBack(conversation, "turn");
  if (taken === undefined) {
    note(session.turn.context, "there is no turn to take back");
    return;
  }
  session.before = before;
  session.initial = taken.question.length < 2000 ? taken.question : "";
  note(
    session.turn.context,
    `the last turn was taken back, its question is at the prompt again; /restore ${taken.backup} brings it back`,
  );
}

async function retry(session: Session): Promise<undefined> {
  const { conversation } = session.turn;
  if (lastRoleOf(conversation) !== "user") {
    const taken = await takeBack(conversation, "answer");
    if (taken === undefined) {
      note(session.turn.context, "nothing was asked yet: there is no answer to ask for again");
      return;
    }
    note(session.turn.context, `asking again; /restore ${taken.backup} brings the last answer back`);
  }
  await answerHere(session, undefined);
}

async function goOn(session: Session): Promise<undefined> {
  const { conversation } = session.turn;
  const isOpen =
    lastRoleOf(conversation) === "user" ||
    lastRoleOf(conversation) === "tool" ||
    statusOf(conversation.version.state) !== "complete";
  if (isOpen && messagesOf(conversation.version.state).length > 0) await answerHere(session, undefined);
  else note(session.turn.context, "the last answer is complete: ask for more in your own words");
}

async function diff(session: Session): Promise<undefined> {
  const { conversation, context } = session.turn;
  const now = conversation.version.state;
  if (messagesOf(now).length === 0 && session.before === undefined) {
    note(session.turn.context, "nothing was said yet");
    return;
  }
  await conversation.flush();
  const before = session.before ?? (await session.manager.compare(conversation.id)).before.state;
  const text = renderStateDiff(before, now, context.output.errorStyle);
  say(session.turn.context, text === "" ? "nothing has changed" : text);
}

async function restore(session: Session, wanted: string): Promise<undefined> {
  const { conversation, context } = session.turn;
  await conversation.flush();
  session.points =
    messagesOf(conversation.version.state).length === 0 ? [] : await session.manager.listBackups(conversation.id);
  if (wanted === "") {
    await listPoints(session);
    return;
  }
  const point = resolveBackup(session.points, conversation.id, wanted);
  const before = conversation.version.state;
  const changes = renderStateDiff(
    before,
    (await readBackupVersion(session.manager.storage, point)).state,
    context.output.errorStyle,
  );
  if (changes === "") {
    note(session.turn.context, `the conversation is as ${point.timestamp} holds it`);
    return;
  }
  say(session.turn.context, changes);
  const answer = await askAt(
    session.turn,
    `Go back to ${point.timestamp}? The present is kept as a restore point. [y/N] `,
  );
  if (!/^y(es)?$/i.test(answer ?? "")) {
    note(session.turn.context, "nothing was restored");
    return;
  }
  const { safetyBackup } = await session.manager.restore(conversation.id, point.timestamp);
  session.before = before;
  note(session.turn.context, `back at ${point.timestamp}; /restore ${safetyBackup ?? "latest"} undoes it`);
}

async function listPoints(session: Session): Promise<void> {
  const { context } = session.turn;
  if (session.points.length === 0)
    note(session.turn.context, "there are no restore points yet: each turn makes one, and so does /save");
  for (const [index, point] of session.points.entries()) {
    const tag = point.tag === undefined ? "" : ` · ${point.tag}`;
    const words = point.valid ? await lastWordsIn(session, point) : undefined;
    const state =
      words === undefined
        ? `cannot be used: ${point.problem ?? "damaged"}`
        : `${pluralize(point.messageCount, "message")} · ${words}`;
    say(
      context,
      toSafeLine(
        `@${index}  ${point.timestamp} · ${formatAge(fromTimestamp(point.timestamp), context.now())}${tag} · ${state}`,
      ),
    );
  }
  if (session.points.length > 0) note(session.turn.context, "go back with /restore @1, or another of these");
}

/** Undefined where its content cannot be read. */
async function lastWordsIn(session: Session, point: Session["points"][number]): Promise<string | undefined> {
  const version = await readBackupVersion(session.manager.storage, point).catch(() => undefined);
  if (version === undefined) return undefined;
  const last = messagesOf(version.state).at(-1);
  const text = isJsonObject(last) ? textOf(last["content"]).replaceAll(/\s+/g, " ") : "";
  return text.length > 40 ? `… ${text.slice(-40)}` : text;
}

async function model(session: Session, name: string): Promise<undefined> {
  const { turn, manager } = session;
  if (name === "") {
    note(
      session.turn.context,
      `${turn.chosen.agent.modelName ?? "unknown"}${turn.chosen.baseUrl === undefined ? "" : ` at ${turn.chosen.baseUrl}`}`,
    );
    return;
  }
  const wanted = { ...session.wanted, model: name };
  turn.chosen = await chooseModel({ context: turn.context, manager, progress: turn.progress }, wanted);
  session.wanted = wanted;
  note(session.turn.context, `from now on ${turn.chosen.agent.modelName ?? name} answers`);
}

async function system(session: Session, text: string): Promise<undefined> {
  const { turn, manager } = session;
  if (text === "") {
    const current = messagesOf(turn.conversation.version.state).find(
      (message) => isJsonObject(message) && message["role"] === "system",
    );
    const shown = session.wanted.system ?? (isJsonObject(current) ? textOf(current["content"]) : "");
    say(session.turn.context, shown === "" ? "there is no system prompt" : toSafeText(shown));
    return;
  }
  session.wanted = { ...session.wanted, system: text };
  turn.chosen = await chooseModel(
    { context: turn.context, manager, progress: turn.progress },
    { ...session.wanted, model: turn.chosen.agent.modelName },
  );
  note(session.turn.context, "this system prompt holds from your next message on");
}

async function save(session: Session, tag: string): Promise<undefined> {
  const { conversation } = session.turn;
  if (messagesOf(conversation.version.state).length === 0) {
    note(session.turn.context, "there is nothing to save yet");
    return;
  }
  const timestamp = await conversation.backup({ reason: "manual", ...(tag === "" ? {} : { tag }) });
  note(session.turn.context, `restore point ${timestamp}${tag === "" ? "" : `, tagged ${tag}`}`);
}

async function title(session: Session, text: string): Promise<undefined> {
  const { conversation } = session.turn;
  if (text === "" || session.turn.openFirst !== undefined) {
    note(session.turn.context, conversation.info.title ?? "there is no title yet: say something first");
    return;
  }
  await session.manager.rename(conversation.id, text);
  note(session.turn.context, `the title is now: ${text}`);
}

export const SLASH_COMMANDS: readonly SlashCommand[] = [
  { name: "help", alias: "?", usage: "/help", summary: "this list", run: help },
  {
    name: "undo",
    usage: "/undo",
    summary: "take back the last turn, and have its question at the prompt again",
    run: undo,
  },
  { name: "retry", usage: "/retry", summary: "ask again for the last answer", run: retry },
  { name: "continue", usage: "/continue", summary: "let an answer that was cut off go on", run: goOn },
  { name: "diff", usage: "/diff", summary: "what the last turn (or what you did since) changed", run: diff },
  {
    name: "restore",
    usage: "/restore [ts]",
    summary: "list restore points, or go back to one",
    complete: restoreChoices,
    run: restore,
  },
  { name: "save", usage: "/save [tag]", summary: "make a restore point", run: save },
  { name: "fork", usage: "/fork [id]", summary: "go on in a copy", run: fork },
  { name: "new", usage: "/new [id]", summary: "begin a new conversation", run: begin },
  { name: "resume", usage: "/resume [id]", summary: "go on with another conversation", run: resume },
  { name: "ls", usage: "/ls", summary: "the newest conversations", run: list },
  {
    name: "model",
    usage: "/model [name]",
    summary: "which model answers, or another from now on",
    complete: () => ["offline"],
    run: model,
  },
  { name: "system", usage: "/system [prompt]", summary: "the system prompt, or another from now on", run: system },
  { name: "title", usage: "/title [title]", summary: "the title, or another", run: title },
  { name: "exit", alias: "quit", usage: "/exit", summary: "leave (Ctrl-D does too)", run: async () => "leave" },
];

function restoreChoices({ points }: Session): readonly string[] {
  return points.flatMap(({ timestamp, tag }) => (tag === undefined ? [timestamp] : [tag, timestamp]));
}
