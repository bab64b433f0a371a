/** `/restore`: lists the backups of this conversation, or restores one after showing what would change. */
import { isDraftstateError } from "../../../errors.js";
import { messagesOf, textOf } from "../../../model/conversation.js";
import { isJsonObject } from "../../../model/json.js";
import { readBackupVersion, resolveBackup, type Backup } from "../../../store/backups.js";
import { fromTimestamp } from "../../../store/names.js";
import { isYes } from "../../terminal/input/prompt.js";
import { formatAge, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { askAt } from "../ask.js";
import { note, say } from "../say.js";
import type { ChatSession } from "../session.js";
import type { SlashCommand } from "./slash-command.js";

/** Characters of the last message that tell a backup from another. */
const TAIL = 40;

export const restore: SlashCommand = {
  name: "restore",
  usage: "/restore [ts]",
  summary: "list backups, or restore one",
  complete: ({ points }) =>
    points.flatMap(({ timestamp, tag }) => (tag === undefined ? [timestamp] : [tag, timestamp])),
  run: async (session, wanted) => {
    const { conversation } = session;
    await conversation.flush();
    session.points = await backupsOf(session);
    if (wanted === "") await list(session);
    else await restorePoint(session, resolveBackup(session.points, conversation.id, wanted));
  },
};

/** None of a conversation that was begun here and has nothing on disk yet. */
async function backupsOf({ manager, conversation }: ChatSession): Promise<readonly Backup[]> {
  try {
    return await manager.listBackups(conversation.id);
  } catch (error) {
    if (isDraftstateError(error, "NOT_FOUND")) return [];
    throw error;
  }
}

async function restorePoint(session: ChatSession, point: Backup): Promise<void> {
  const { conversation, context, manager } = session;
  const { renderStateDiff } = await import("../../terminal/diff/state-diff.js");
  const before = conversation.version.state;
  const { state } = await readBackupVersion(manager.storage, point);
  const changes = renderStateDiff(before, state, {
    style: context.output.errorStyle,
    columns: context.output.errorWidth,
  });
  if (changes === "") {
    note(context, `no difference: the conversation matches backup ${point.timestamp}`);
    return;
  }
  say(context, changes);
  const question = `Restore backup ${point.timestamp}? The current state is saved as a backup first. [y/N] `;
  if (!isYes((await askAt(session.turn, question)) ?? "")) {
    note(context, "nothing was restored");
    return;
  }
  const { safetyBackup } = await manager.restore(conversation.id, point.timestamp);
  session.before = before;
  const undo = safetyBackup === null ? "" : `; /restore ${safetyBackup} undoes it`;
  note(context, `restored backup ${point.timestamp}${undo}`);
}

async function list(session: ChatSession): Promise<void> {
  const { context, points } = session;
  if (points.length === 0) {
    note(context, "no backups: each turn makes one, and so does /save");
    return;
  }
  for (const [index, point] of points.entries()) say(context, toSafeLine(await lineOf(session, point, index)));
  note(context, `restore one of them with, for example, /restore @${Math.min(1, points.length - 1)}`);
}

async function lineOf(session: ChatSession, point: Backup, index: number): Promise<string> {
  const words = point.valid ? await lastWordsIn(session, point) : undefined;
  const age = formatAge(fromTimestamp(point.timestamp), session.context.now());
  const content =
    words === undefined
      ? `cannot be used: ${point.problem ?? "damaged"}`
      : `${pluralize(point.messageCount, "message")} · ${words}`;
  return [`@${index}  ${point.timestamp}`, age, ...(point.tag === undefined ? [] : [point.tag]), content].join(" · ");
}

/** Undefined if its content cannot be read. */
async function lastWordsIn({ manager }: ChatSession, point: Backup): Promise<string | undefined> {
  const version = await readBackupVersion(manager.storage, point).catch(() => undefined);
  if (version === undefined) return undefined;
  const last = messagesOf(version.state).at(-1);
  const text = isJsonObject(last) ? textOf(last["content"]).replaceAll(/\s+/g, " ") : "";
  return text.length > TAIL ? `… ${text.slice(-TAIL)}` : text;
}
