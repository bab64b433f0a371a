/** How an answer ended, judged by the model's last message. Pure. */
import type { BaseMessage } from "@langchain/core/messages";
import { DraftstateError } from "../errors.js";
import { textOf, type Status, type ToolCall, type Usage } from "../model/conversation.js";
import { isFailure } from "../model/finish-reasons.js";
import type { Json } from "../model/json.js";
import { NO_ANSWER } from "./graph.js";
import { finishReasonOf, hasReasoning, saysUsage, toolCallsOf, usageOf } from "./messages.js";
import { unreadable } from "./unreadable.js";

export type EndedStatus = Exclude<Status, "streaming">;

export interface Outcome {
  readonly status: EndedStatus;
  readonly error?: DraftstateError;
  readonly usage?: Usage;
  readonly finishReason?: string;
  readonly toolCalls?: readonly ToolCall[];
  /** What was left out of the answer without harm, in words. */
  readonly remarks?: readonly string[];
}

const BROKEN_OFF = "the answer broke off: the server closed the stream without a finish reason";
const ONLY_REASONING = "the model gave its reasoning and no answer: allow it more tokens, or ask again";

const WRONG_USAGE = "the server's token usage is not a pair of non-negative integers: it is left out";

function failed(reason: string): string {
  return `the server ended the answer with the finish reason ${reason}`;
}

/** What came and is no answer. */
function notUnderstood(last: BaseMessage, text: string, calls: readonly ToolCall[]): DraftstateError | undefined {
  const [broken] = calls;
  if (broken !== undefined)
    return new DraftstateError(
      "MODEL",
      `the model called ${broken.name === "" ? "a tool" : broken.name} with arguments that are not a JSON object: the call is kept`,
    );
  if (text !== "" || textOf(last.content as Json) !== "") return undefined;
  if (Array.isArray(last.content) && last.content.length > 0) return unreadable(last.content);
  return hasReasoning(last) ? new DraftstateError("MODEL", ONLY_REASONING) : undefined;
}

/** Complete only if the model said why it finished, where its provider is known to say so, and all it said is understood: a server that just closes the stream is no end of an answer. */
export function outcomeOf(last: BaseMessage | undefined, text: string, saysReason: boolean): Outcome {
  if (last === undefined) return { status: "error", error: new DraftstateError("MODEL", NO_ANSWER) };
  const [finishReason, usage, toolCalls] = [finishReasonOf(last), usageOf(last), toolCallsOf(last)];
  const known = {
    ...(usage === undefined ? {} : { usage }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(usage === undefined && saysUsage(last) ? { remarks: [WRONG_USAGE] } : {}),
  };
  const error = notUnderstood(last, text, toolCalls);
  if (error !== undefined) return { status: "error", error, ...known };
  if (finishReason !== undefined && isFailure(finishReason))
    return { status: "error", error: new DraftstateError("MODEL", failed(finishReason)), ...known };
  if (finishReason !== undefined) return { status: "complete", ...known };
  if (text === "" && textOf(last.content as Json) === "")
    return { status: "error", error: new DraftstateError("MODEL", NO_ANSWER) };
  if (!saysReason) return { status: "complete", ...known };
  return { status: "interrupted", error: new DraftstateError("MODEL", BROKEN_OFF), ...known };
}
