/** `/diff`: what the last turn, or the last change made here, changed. */
import { messagesOf } from "../../../model/conversation.js";
import { note, say } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const diff: SlashCommand = {
  name: "diff",
  usage: "/diff",
  summary: "show what the last turn (or your last change) changed",
  run: async ({ context, conversation, before, manager }) => {
    const now = conversation.version.state;
    if (messagesOf(now).length === 0 && before === undefined) {
      note(context, "there are no messages yet");
      return;
    }
    await conversation.flush();
    const { renderStateDiff } = await import("../../terminal/diff/state-diff.js");
    const from = before ?? (await manager.compare(conversation.id)).before.state;
    const text = renderStateDiff(from, now, { style: context.output.errorStyle, columns: context.output.errorWidth });
    say(context, text === "" ? "nothing changed" : text);
  },
};
