/**
 * What has become of the calls that a model asked for. A call's beginning stands in the call itself (`startedAt`), its result
 * in a tool's message; whether it waits, was started or is answered is read off these. Pure; recipes of a turn's calls too.
 */
import type { Draft } from "immer";
import { DraftstateError } from "../errors.js";
import type { Message, ToolCall } from "./conversation.js";
import { isJsonObject, ownValue, type JsonObject } from "./json.js";
import type { AgentDraft } from "./transitions.js";

/** Codes of a result that no tool gave. */
export const REFUSED = "REFUSED";
export const LOST = "LOST";
export const STOPPED = "STOPPED";

/** What the model is told of a call that was begun, and of which no result was kept. */
export const RESULT_LOST =
  "This call was begun, and the program ended before its result was kept: whether it took effect is not known.";

/** And of one that stands in a state from elsewhere. */
export const RESULT_UNKNOWN =
  "This conversation was restored, copied or recovered after this call was asked for, and has no result of it: whether it took effect is not known.";

export type CallStatus = "waiting" | "started" | "answered" | "refused" | "lost" | "stopped" | "failed";

const STATUS_OF_CODE: Readonly<Record<string, CallStatus>> = {
  [REFUSED]: "refused",
  [LOST]: "lost",
  [STOPPED]: "stopped",
};

/** Of a call and its result as they were read from a file, whoever wrote it. */
export function callStatus(call: JsonObject, result: JsonObject | undefined): CallStatus {
  if (result === undefined) return ownValue(call, "startedAt") === undefined ? "waiting" : "started";
  const error = ownValue(result, "error");
  if (!isJsonObject(error)) return "answered";
  const code = ownValue(error, "code");
  return (typeof code === "string" ? STATUS_OF_CODE[code] : undefined) ?? "failed";
}

/** An answer of which nothing came before it was cut off. */
function isEmptyAnswer({ role, content, toolCalls, reasoning }: Message): boolean {
  return role === "assistant" && content === "" && (toolCalls ?? []).length === 0 && (reasoning ?? "") === "";
}

/** The message whose calls the conversation stands at: behind it are their results alone, and answers that never began. */
function indexOfRound(messages: readonly Message[]): number {
  const index = messages.findLastIndex((message) => message.role !== "tool" && !isEmptyAnswer(message));
  return messages[index]?.role === "assistant" ? index : -1;
}

/** Calls without a result at which the conversation stands: what is to become of them is open. */
export function openCalls(messages: readonly Message[]): readonly ToolCall[] {
  return openRound(messages)?.calls ?? [];
}

function openRound(
  messages: readonly Message[],
): { readonly asking: Message; readonly calls: readonly ToolCall[] } | undefined {
  const index = indexOfRound(messages);
  const asking = messages[index];
  if (asking === undefined) return undefined;
  const answered = new Set(messages.slice(index + 1).map(({ toolCallId }) => toolCallId));
  return { asking, calls: (asking.toolCalls ?? []).filter(({ id }) => !answered.has(id)) };
}

/** A call that a turn finds open. */
export type OpenCall = ToolCall & {
  /** Nothing shows that it was not begun: it stands in a state that was restored, forked, copied, imported or saved from elsewhere. */
  readonly isElsewhere?: true;
};

/** As they are taken up again: each was begun, or is known not to be, or has begun when it was asked for, as far as is known. */
export async function callsToResume(
  messages: readonly Message[],
  isUnbegun: (messageId: string) => Promise<boolean>,
): Promise<readonly OpenCall[]> {
  const round = openRound(messages);
  if (round === undefined) return [];
  const { asking, calls } = round;
  if (calls.every(({ startedAt }) => startedAt !== undefined) || (await isUnbegun(asking.id))) return calls;
  return calls.map((call) =>
    call.startedAt === undefined ? { ...call, startedAt: asking.createdAt, isElsewhere: true } : call,
  );
}

/** Taken up again: what cut it off leaves no answer of its own between the calls and their results. */
export function resumeRound(draft: AgentDraft): void {
  const index = indexOfRound(draft.messages);
  const behind = draft.messages.splice(index + 1);
  draft.messages.push(...behind.filter((message) => !isEmptyAnswer(message)));
}

/**
 * These calls begin now, the others get these results. They are found by their ids: other messages may have come behind them while
 * they waited. Throws `INVALID_STATE` if one is no longer in the conversation, and then none begins.
 */
export function beginCalls(
  draft: AgentDraft,
  { started, at, results }: { started: ReadonlySet<string>; at: string; results: readonly Message[] },
): void {
  const round = draft.messages.findLast(({ toolCalls }) => toolCalls?.some(({ id }) => started.has(id)) === true);
  const beginning = round?.toolCalls?.filter(({ id }) => started.has(id)) ?? [];
  if (beginning.length < started.size)
    throw new DraftstateError(
      "INVALID_STATE",
      "the conversation was changed while its tool calls waited, and they are no longer in it: none of them was made",
    );
  for (const call of beginning) call.startedAt = at;
  draft.messages.push(...(results as Draft<Message>[]));
}
