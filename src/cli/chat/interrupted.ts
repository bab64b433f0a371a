/** What to do with an answer that was cut off, when its conversation is resumed: keep, continue, regenerate, discard. */
import { idleStreaming, messagesOf, statusOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Conversation } from "../../persistence/conversation-handle.js";
import { ask } from "../terminal/prompt.js";

export type Resumption = "nothing" | "keep" | "continue" | "regenerate" | "discard";

const CHOICES: Readonly<Record<string, Resumption>> = { k: "keep", c: "continue", r: "regenerate", d: "discard" };

const QUESTION = [
  "The last answer was cut off.",
  "  k  keep it as it is, and say something else",
  "  c  let the model go on where it stopped",
  "  r  ask for a new answer instead",
  "  d  discard it, and the question with it",
  "keep, continue, regenerate or discard? (c) ",
].join("\n");

export interface ResumeOptions {
  readonly prompt: string | undefined;
  /** The terminal to ask on; undefined where nobody can be asked. */
  readonly ask: NodeJS.ReadableStream | undefined;
}

function lastRole(conversation: Conversation): unknown {
  const last = messagesOf(conversation.version.state).at(-1);
  return isJsonObject(last) ? last["role"] : undefined;
}

/** With a new prompt the partial answer is kept; without one, and with nobody to ask, the answer goes on. */
export async function whatToDo(conversation: Conversation, options: ResumeOptions): Promise<Resumption> {
  const status = statusOf(conversation.version.state);
  const unanswered = lastRole(conversation) === "user" || lastRole(conversation) === "tool";
  if (status === "complete" && !unanswered) return "nothing";
  if (options.prompt !== undefined) return "keep";
  if (options.ask === undefined) return "continue";
  for (;;) {
    const answer = await ask(options.ask, QUESTION);
    const choice = CHOICES[answer === "" ? "c" : answer.slice(0, 1).toLowerCase()];
    if (choice !== undefined) return choice;
  }
}

/** What is taken back is a restore point first. */
export async function takeBack(conversation: Conversation, resumption: Resumption): Promise<void> {
  if (resumption !== "regenerate" && resumption !== "discard") return;
  await conversation.backup({ reason: "restore" });
  conversation.update((draft) => {
    const lastPrompt = draft.messages.findLastIndex((message) => message.role === "user");
    draft.messages.splice(resumption === "regenerate" ? lastPrompt + 1 : Math.max(0, lastPrompt));
    draft.currentNarrative = "";
    draft.streamingProperties = { ...idleStreaming() };
  });
  await conversation.flush();
}
