/** What to do with a partial answer when its conversation is resumed: keep, continue, regenerate or discard it. */
import { DraftstateError } from "../../errors.js";
import { messagesOf, statusOf } from "../../model/conversation.js";
import { cutShortMessage } from "../../model/finish-reasons.js";
import type { Conversation } from "../../session/conversation.js";
import type { CommandContext } from "../context.js";
import { pathOfKept } from "../tools/tool-path.js";
import type { TurnTools } from "../tools/tools-for.js";
import type { Asking } from "./ask.js";
import { openCalls } from "../../model/tool-calls.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { chosen, lettersOf, type Choices } from "./choices.js";
import { lastRoleOf, takeBack } from "./last-turn.js";
import { note } from "./say.js";

export type Resumption = "nothing" | "keep" | "continue" | "regenerate" | "discard" | "discard the question too";

const CUT_OFF: Choices<Resumption> = {
  keep: "keep",
  continue: "continue",
  regenerate: "regenerate",
  discard: "discard",
  question: "discard the question too",
};
const UNANSWERED: Choices<Resumption> = { keep: "keep", continue: "continue", discard: "discard the question too" };

const CUT_OFF_QUESTION = [
  "The last answer was cut off.",
  "  k  keep it as it is, and send another message",
  "  c  continue: let the model resume where it stopped",
  "  r  regenerate: ask for a new answer instead",
  "  d  discard the answer; your question stays",
  "  q  discard the question too",
  "keep, continue, regenerate or discard? (c) ",
].join("\n");

const UNANSWERED_QUESTION = [
  "The last question has no answer.",
  "  k  keep it, and send another message",
  "  c  continue: let the model answer it",
  "  d  discard the question",
  "keep, continue or discard? (c) ",
].join("\n");

export interface ResumeOptions extends Asking {
  readonly prompt: string | undefined;
  /** Whether there is a person who can be asked. */
  readonly mayAsk: boolean;
  readonly tools: TurnTools | undefined;
}

/** A call waits: it is asked about again, where its tool is there. Something else that is said passes it over. */
function aboutCalls({
  conversation,
  options,
}: {
  conversation: Conversation;
  options: ResumeOptions;
}): Resumption | undefined {
  const open = openCalls(conversation.state.messages);
  if (open.length === 0) return undefined;
  if (options.prompt !== undefined) {
    note(options.context, `passed over: ${pluralize(open.length, "call")} that had no result yet`);
    return "keep";
  }
  const missing = open.find(({ name }) => options.tools?.all.some((tool) => tool.name === name) !== true);
  if (missing === undefined) return "continue";
  const problem = `${conversation.id} waits with a call of ${toSafeLine(pathOfKept(missing.name))}, which is no tool here: start with the --mcp that has it`;
  if (!options.mayAsk) throw new DraftstateError("USAGE", `${problem}, or give a prompt to pass it over`);
  options.context.output.warning(`${problem}, or send a message to pass it over`);
  return "keep";
}

/** Complete by the model's word, and not all of it. */
function isCutShort(conversation: Conversation): boolean {
  return cutShortMessage(messagesOf(conversation.version.state).at(-1)) !== undefined;
}

/** A new prompt keeps the partial answer; without one, and if the user cannot be asked, the answer is continued. Undefined if the person left instead. */
export async function whatToDo(conversation: Conversation, options: ResumeOptions): Promise<Resumption | undefined> {
  const calls = aboutCalls({ conversation, options });
  if (calls !== undefined) return calls;
  const role = lastRoleOf(conversation);
  const unanswered = role === "user" || role === "tool";
  if (!unanswered && (statusOf(conversation.version.state) === "complete" || role !== "assistant"))
    return isCutShort(conversation) && options.prompt === undefined && !options.mayAsk ? "continue" : "nothing";
  if (options.prompt !== undefined) return "keep";
  if (!options.mayAsk) return "continue";
  const [question, choices] = role === "user" ? [UNANSWERED_QUESTION, UNANSWERED] : [CUT_OFF_QUESTION, CUT_OFF];
  for (;;) {
    const { askAt } = await import("./ask.js");
    const answer = await askAt(options, question);
    if (answer === undefined) return undefined;
    const choice = chosen(choices, answer === "" ? "continue" : answer);
    if (choice !== undefined) return choice;
    note(options.context, `${JSON.stringify(answer)} is not one of the choices: ${lettersOf(choices)}`);
  }
}

/** Saves a backup of what it takes back, and says which. */
export async function carryOut(
  conversation: Conversation,
  resumption: Resumption,
  context: CommandContext,
): Promise<void> {
  if (resumption !== "regenerate" && resumption !== "discard" && resumption !== "discard the question too") return;
  const taken = await takeBack(conversation, resumption === "discard the question too" ? "turn" : "answer");
  if (taken === undefined) return;
  const what = resumption === "discard the question too" ? "the question and its partial answer" : "the answer";
  note(context, `removed ${what}; backup ${taken.backup} has it`);
}
