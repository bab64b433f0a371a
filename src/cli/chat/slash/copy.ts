/** `/copy`: puts the last answer into the clipboard. */
import { isContinuation } from "../../../model/continued.js";
import { textOf } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { shownMessages } from "../../../model/shown.js";
import { pluralize } from "../../terminal/text/format.js";
import { toSafeText } from "../../terminal/text/safe-text.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

/** With all parts of it, if it was continued. */
function lastAnswerIn(state: JsonObject): string {
  const messages = shownMessages(state);
  let at = messages.findLastIndex((message) => isJsonObject(message) && ownValue(message, "role") === "assistant");
  let text = contentOf(messages[at]);
  for (; at > 0 && isContinuation(messages, at); at -= 1) text = contentOf(messages[at - 1]) + text;
  return text;
}

function contentOf(message: Json | undefined): string {
  return isJsonObject(message) ? textOf(ownValue(message, "content")) : "";
}

export const copy: SlashCommand = {
  name: "copy",
  usage: "/copy",
  summary: "copy the last answer to the clipboard",
  run: async ({ context, conversation }) => {
    const terminal = context.output.terminal ?? context.output.errorTerminal;
    // Pasted into a terminal, it must not act there either.
    const text = toSafeText(lastAnswerIn(conversation.version.state));
    if (text === "") note(context, "there is no answer to copy yet");
    else if (terminal === undefined) note(context, "/copy needs a terminal");
    else {
      const { copyText } = await import("../../terminal/screen/clipboard.js");
      const how = await copyText(text, { env: context.env, terminal });
      note(context, `copied the last answer (${pluralize(text.length, "character")}) by ${how}`);
    }
  },
};
