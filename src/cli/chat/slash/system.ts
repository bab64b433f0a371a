/** `/system`: the system prompt, or another one from now on. */
import { messagesOf, textOf } from "../../../model/conversation.js";
import { isJsonObject } from "../../../model/json.js";
import { toSafeText } from "../../terminal/text/safe-text.js";
import { note, say } from "../say.js";
import type { ChatSession } from "../session.js";
import type { SlashCommand } from "./slash-command.js";

function currentSystem({ conversation, wanted }: ChatSession): string {
  const message = messagesOf(conversation.version.state).find(
    (candidate) => isJsonObject(candidate) && candidate["role"] === "system",
  );
  return wanted.system ?? (isJsonObject(message) ? textOf(message["content"]) : "");
}

export const system: SlashCommand = {
  name: "system",
  usage: "/system [prompt]",
  summary: "show the system prompt, or set another from now on",
  run: async (session, text) => {
    if (text === "") {
      const shown = currentSystem(session);
      say(session.context, shown === "" ? "there is no system prompt" : toSafeText(shown));
      return;
    }
    await session.useSystem(text);
    note(session.context, "this system prompt applies from your next message on");
  },
};
