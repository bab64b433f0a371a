/** A conversation as a person reads it: a heading for each message, the partial answer in its place. Text is made safe. */
import { CUT_SHORT, cutShortMessage } from "../../../model/finish-reasons.js";
import { isContinuation } from "../../../model/continued.js";
import { textOf, type Metadata } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { pathOfKept } from "../../tools/tool-path.js";
import { callStatus, type CallStatus } from "../../../model/tool-calls.js";
import { shownMessages } from "../../../model/shown.js";
import type { Output } from "../../output.js";
import { toSafeLine, toSafeText } from "../../terminal/text/safe-text.js";
import { paintStatus } from "../../terminal/text/status.js";
import type { Style } from "../../terminal/text/style.js";
import { wrapText } from "../../terminal/text/wrap-text.js";

export interface Shown {
  readonly id: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
}

export function render(
  { id, state, metadata }: Shown,
  options: { readonly last?: number; readonly reasoning?: boolean; readonly full?: boolean },
  { style, width, isTerminal }: Output,
): string {
  const messages = shownMessages(state);
  const first = options.last === undefined ? 0 : Math.max(0, messages.length - options.last);
  const shown = messages
    .map((message, index) => ({
      message,
      note: isContinuation(messages, index) ? "(continued)" : "",
      results: resultsBehind(messages, index),
    }))
    .slice(first);
  const title = metadata.title === "" ? id : metadata.title;
  const head = `${style.bold(toSafeLine(title))}\n${style.dim(`${id} · revision ${metadata.revision} · `)}${paintStatus(style, metadata.status)(metadata.status)}`;
  return [
    head,
    ...shown.map(({ message, note, results }) =>
      renderMessage(style, message, width, {
        note,
        results,
        reasoning: options.reasoning === true,
        folded: isTerminal && options.full !== true,
      }),
    ),
  ].join("\n\n");
}

interface Parts {
  readonly note: string;
  readonly results: readonly Json[];
  readonly reasoning: boolean;
  /** Long results of tools. */
  readonly folded: boolean;
}

function renderMessage(
  style: Style,
  message: Json,
  width: number | undefined,
  { note, results, reasoning, folded }: Parts,
): string {
  if (!isJsonObject(message)) return toSafeText(JSON.stringify(message));
  const calls = ownValue(message, "toolCalls");
  const called = Array.isArray(calls) ? (calls as readonly Json[]).map((call) => renderCall(style, call, results)) : [];
  const error = ownValue(message, "error");
  const content = textOf(ownValue(message, "content"));
  // What a tool that failed told the model is its error.
  const failed =
    isJsonObject(error) && error["message"] !== content ? [style.red(toSafeLine(`! ${textOf(error["message"])}`))] : [];
  const whole = wrapText(toSafeText(content), width);
  const text = folded && ownValue(message, "role") === "tool" ? foldedText(style, whole) : whole;
  const thought = reasoning ? wrapText(toSafeText(textOf(ownValue(message, "reasoning"))), width) : "";
  const dimmed = thought === "" ? [] : [thought.split("\n").map(style.dim).join("\n"), ""];
  return [heading(style, message, note), ...dimmed, ...(text === "" ? [] : [text]), ...called, ...failed].join("\n");
}

const ROWS_OF_A_RESULT = 8;

function foldedText(style: Style, text: string): string {
  const rows = text.split("\n");
  const left = rows.length - ROWS_OF_A_RESULT;
  // A line that says that one is left out takes the place of one.
  if (left <= 1) return text;
  return [...rows.slice(0, ROWS_OF_A_RESULT), style.dim(`… ${left} more lines: --full shows them`)].join("\n");
}

/** With what has become of it, by the results behind its message. */
function renderCall(style: Style, call: Json, results: readonly Json[]): string {
  if (!isJsonObject(call)) return style.dim(toSafeLine(`→ ${JSON.stringify(call)}`));
  const result = results.find((each) => isJsonObject(each) && ownValue(each, "toolCallId") === ownValue(call, "id"));
  const status = callStatus(call, isJsonObject(result) ? result : undefined);
  const shown = style.dim(
    toSafeLine(`→ ${pathOfKept(textOf(ownValue(call, "name")))}(${JSON.stringify(ownValue(call, "args") ?? {})})`),
  );
  return status === "answered" ? shown : `${shown} ${style.yellow(CALL_WORDS[status])}`;
}

const CALL_WORDS: Readonly<Record<Exclude<CallStatus, "answered">, string>> = {
  waiting: "not made",
  started: "begun; its result is not known",
  lost: "begun; its result is not known",
  stopped: "stopped",
  refused: "refused",
  failed: "failed",
};

/** Results of tools that stand behind this message, up to the next that is said. */
function resultsBehind(messages: readonly Json[], index: number): readonly Json[] {
  const rest = messages.slice(index + 1);
  const end = rest.findIndex(
    (message) =>
      isJsonObject(message) && ownValue(message, "role") !== "tool" && textOf(ownValue(message, "content")) !== "",
  );
  return end === -1 ? rest : rest.slice(0, end);
}

function heading(style: Style, message: JsonObject, note: string): string {
  const role = textOf(ownValue(message, "role"));
  const [status, model, at] = [ownValue(message, "status"), ownValue(message, "model"), ownValue(message, "createdAt")];
  const cut = cutShortMessage(message);
  const marks = [
    typeof model === "string" ? style.dim(toSafeLine(model)) : "",
    typeof at === "string" ? style.dim(toSafeLine(at)) : "",
    typeof status === "string" && status !== "complete" ? paintStatus(style, status)(toSafeLine(status)) : "",
    cut === undefined ? "" : style.yellow(CUT_SHORT[cut]),
  ];
  const name =
    role === "user"
      ? style.cyan(style.bold("user"))
      : role === "assistant"
        ? style.green(style.bold("assistant"))
        : style.bold(toSafeLine(role));
  return [note === "" ? name : `${name} ${note}`, ...marks].filter((mark) => mark !== "").join("  ");
}
