/** A conversation as a person reads it: a heading for each message, the partial answer in its place. Text is made safe. */
import { CUT_SHORT, cutShortMessage } from "../../../model/finish-reasons.js";
import { isContinuation } from "../../../model/continued.js";
import { textOf, type Metadata } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
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
  options: { readonly last?: number; readonly reasoning?: boolean },
  { style, width }: Output,
): string {
  const messages = shownMessages(state);
  const first = options.last === undefined ? 0 : Math.max(0, messages.length - options.last);
  const shown = messages
    .map((message, index) => ({ message, note: isContinuation(messages, index) ? "(continued)" : "" }))
    .slice(first);
  const title = metadata.title === "" ? id : metadata.title;
  const head = `${style.bold(toSafeLine(title))}\n${style.dim(`${id} · revision ${metadata.revision} · `)}${paintStatus(style, metadata.status)(metadata.status)}`;
  return [
    head,
    ...shown.map(({ message, note }) =>
      renderMessage(style, message, width, { note, reasoning: options.reasoning === true }),
    ),
  ].join("\n\n");
}

interface Parts {
  readonly note: string;
  readonly reasoning: boolean;
}

function renderMessage(style: Style, message: Json, width: number | undefined, { note, reasoning }: Parts): string {
  if (!isJsonObject(message)) return toSafeText(JSON.stringify(message));
  const calls = ownValue(message, "toolCalls");
  const called = Array.isArray(calls)
    ? (calls as readonly Json[]).map((call) => style.dim(toSafeLine(`→ ${JSON.stringify(call)}`)))
    : [];
  const error = ownValue(message, "error");
  const failed = isJsonObject(error) ? [style.red(toSafeLine(`! ${textOf(error["message"])}`))] : [];
  const text = wrapText(toSafeText(textOf(ownValue(message, "content"))), width);
  const thought = reasoning ? wrapText(toSafeText(textOf(ownValue(message, "reasoning"))), width) : "";
  const dimmed = thought === "" ? [] : [thought.split("\n").map(style.dim).join("\n"), ""];
  return [heading(style, message, note), ...dimmed, ...(text === "" ? [] : [text]), ...called, ...failed].join("\n");
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
