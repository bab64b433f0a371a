/** Tells a person at a terminal which conversation this is, and where it stopped. */
import type { Conversation } from "../../session/conversation.js";
import type { CommandContext } from "../context.js";

export async function sayWhere(context: CommandContext, conversation: Conversation, plain: boolean): Promise<void> {
  const { output, json } = context;
  if (output.errorWidth === undefined || json) return;
  const { recapOf } = await import("./recap.js");
  output.message(
    recapOf(conversation.version, {
      id: conversation.id,
      columns: output.errorWidth,
      style: output.errorStyle,
      now: context.now(),
      markdown: !plain && output.errorStyle.colored,
    }),
  );
}
