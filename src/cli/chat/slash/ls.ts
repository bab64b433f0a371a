/** `/ls`: the newest conversations. */
import type { CatalogueRow } from "../../../operations/list/list.js";
import { formatAge, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { note, say } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

const LISTED = 10;

function lineOf({ conversationId, title, updatedAt, messageCount, status }: CatalogueRow, now: Date): string {
  const parts = [
    ...(title === "" ? [] : [title]),
    ...(updatedAt === null ? [] : [formatAge(new Date(updatedAt), now)]),
    pluralize(messageCount, "message"),
    ...(status === "complete" ? [] : [status]),
  ];
  return `${conversationId}  ${parts.join(" · ")}`;
}

export const ls: SlashCommand = {
  name: "ls",
  usage: "/ls",
  summary: "list the newest conversations",
  run: async ({ context, conversation, manager }) => {
    const rows = await manager.list();
    if (rows.length === 0) note(context, "no conversations yet");
    for (const row of rows.slice(0, LISTED)) {
      const mark = row.conversationId === conversation.id ? "*" : " ";
      say(context, toSafeLine(`${mark} ${lineOf(row, context.now())}`));
    }
    if (rows.length > LISTED) note(context, `and ${rows.length - LISTED} more; /resume lists them all`);
  },
};
