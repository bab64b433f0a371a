/** What is said of an answer that failed or was cut short, and what a person can do about it. Pure. */
import { CUT_SHORT, cutShort } from "../../model/finish-reasons.js";
import type { TurnEvent } from "./session-types.js";

type End = Extract<TurnEvent, { type: "end" }>;

/** The error with what to type next; without a prompt, the end of the run says how to resume. */
export function errorLine({ error, status, isLasting }: End, atPrompt: boolean): string | undefined {
  if (error === undefined || !atPrompt) return error?.message;
  if (isLasting)
    return `${error.message}; /retry would fail in the same way: /undo takes the question back, /model <name> asks another model`;
  const resume = status === "interrupted" ? "/continue resumes it, " : "";
  return `${error.message}; ${resume}/retry asks again, /undo takes the question back`;
}

/** Ctrl-C may come when the answer is already whole. */
export function stoppedLine(isWhole: boolean): string {
  return isWhole
    ? "the answer was complete already, and all of it is saved"
    : "stopped; the partial answer is kept as interrupted (/continue, /retry or /undo)";
}

/** Undefined for an answer that the model ended by itself. */
export function cutShortLine({ error, finishReason }: End, atPrompt: boolean): string | undefined {
  const kind = error === undefined ? cutShort(finishReason) : undefined;
  if (kind === undefined) return undefined;
  const how = atPrompt ? "/continue resumes it" : "resume it without a prompt to continue it";
  return `the answer was ${CUT_SHORT[kind]} (finish reason ${finishReason ?? ""}): ${how}`;
}
