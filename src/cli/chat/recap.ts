/** Where a resumed conversation stopped: its title, the last question, and the end of the answer. Pure. */
import { isContinuation } from "../../model/continued.js";
import { messagesOf, statusOf, textOf, titleOf, type Version } from "../../model/conversation.js";
import { isJsonObject, type Json } from "../../model/json.js";
import { formatAge, pluralize } from "../terminal/text/format.js";
import { toSafeLine, toSafeText } from "../terminal/text/safe-text.js";
import type { Style } from "../terminal/text/style.js";
import { plainSpan, wrapSpans } from "../terminal/text/wrap.js";
import { AnswerLayout } from "../terminal/screen/answer-layout.js";

export interface RecapOptions {
  readonly id: string;
  readonly columns: number;
  readonly style: Style;
  readonly now: Date;
  /** Rendered, as the live answer was; else as the model gave it. */
  readonly markdown: boolean;
}

const QUESTION_ROWS = 3;
const ANSWER_ROWS = 8;
/** Of a longer text no more is looked at: enough for its rows. */
const ANSWER_TAIL = 8_000;
const QUESTION_HEAD = 2_000;

export function recapOf(version: Version, options: RecapOptions): string {
  const { dim } = options.style;
  return [heading(version, options), ...exchange(version, options).map((row) => dim(row))].join("\n");
}

function heading(version: Version, { id, columns, style: { bold, dim }, now }: RecapOptions): string {
  const messages = messagesOf(version.state);
  const title = toSafeLine(titleOf(version)).trim();
  const age = formatAge(new Date(lastTimeIn(messages) ?? version.info.createdAt), now);
  const parts = [...(title === "" ? [] : [id]), pluralize(messages.length, "message"), age];
  const spans = [
    { text: title === "" ? id : title, paint: bold },
    { text: ` · ${parts.join(" · ")}`, paint: dim },
  ];
  return wrapSpans(spans, { columns, first: plainSpan(""), rest: plainSpan("") })
    .map(({ shown }) => shown)
    .join("\n");
}

function lastTimeIn(messages: readonly Json[]): string | undefined {
  const times = messages.flatMap((message) =>
    isJsonObject(message) && typeof message["createdAt"] === "string" ? [message["createdAt"]] : [],
  );
  return times.at(-1);
}

function exchange({ state }: Version, options: RecapOptions): string[] {
  const messages = messagesOf(state);
  const asked = messages.findLastIndex((message) => roleOf(message) === "user");
  const answer = messages
    .flatMap((message, index) =>
      index > asked && roleOf(message) === "assistant"
        ? [`${isContinuation(messages, index) ? "(continued) " : ""}${contentOf(message)}`]
        : [],
    )
    .join("\n");
  return [
    ...(asked < 0 ? [] : questionRows(contentOf(messages[asked]), options)),
    ...answerRows(answer.trim(), statusOf(state) !== "complete", options),
  ];
}

function questionRows(question: string, { columns }: RecapOptions): string[] {
  const rows = rowsOf(question.trim().slice(0, QUESTION_HEAD), columns, "> ");
  return rows.length <= QUESTION_ROWS ? rows : [...rows.slice(0, QUESTION_ROWS), "  …"];
}

function answerRows(answer: string, brokeOff: boolean, options: RecapOptions): string[] {
  if (answer === "") return [];
  const { id, columns } = options;
  const rows = rowsOfAnswer(`${answer.slice(-ANSWER_TAIL)}${brokeOff ? " …" : ""}`, options);
  if (rows.length <= ANSWER_ROWS && answer.length <= ANSWER_TAIL) return rows;
  return [...rowsOf(`… full text: draftstate show ${id}`, columns, "  "), ...rows.slice(-ANSWER_ROWS)];
}

const MARGIN = "  ";

function rowsOfAnswer(text: string, { columns, markdown, style }: RecapOptions): string[] {
  const layout = new AnswerLayout({ markdown, style, columns: columns - MARGIN.length, maxLive: ANSWER_ROWS });
  layout.push(toSafeText(text));
  layout.end();
  return layout.take().map((row) => `${MARGIN}${row}`.trimEnd());
}

function rowsOf(text: string, columns: number, first: string): string[] {
  const lines = toSafeText(text).split("\n");
  return lines.flatMap((line, index) =>
    wrapSpans([plainSpan(line)], { columns, first: plainSpan(index === 0 ? first : "  "), rest: plainSpan("  ") }).map(
      ({ shown }) => shown.trimEnd(),
    ),
  );
}

function roleOf(message: Json | undefined): unknown {
  return isJsonObject(message) ? message["role"] : undefined;
}

function contentOf(message: Json | undefined): string {
  return isJsonObject(message) ? textOf(message["content"]) : "";
}
