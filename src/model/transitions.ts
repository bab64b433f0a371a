/**
 * The recipes of a conversation: each step a turn can take, as a change to a draft of its state.
 * Ids and times are arguments. Only the beginning and the end of an answer touch the list of messages.
 */
import type { Draft } from "immer";
import {
  idleStreaming,
  isStreaming,
  type AgentState,
  type GiveBack,
  type Message,
  type Status,
  type ToolCall,
  type Usage,
} from "./conversation.js";

export type AgentDraft = Draft<AgentState>;

export interface AnswerEnd {
  /** Of an answer that was begun without an id. */
  readonly id: string;
  readonly status: Exclude<Status, "streaming">;
  readonly at: string;
  readonly model?: string;
  readonly usage?: Usage;
  readonly finishReason?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly giveBack?: GiveBack;
  readonly error?: { readonly code: string; readonly message: string };
  /** More is to come in this turn: tools answer, then the model continues. */
  readonly turnContinues?: boolean;
  /** Of the message that the model continues. */
  readonly nextId?: string;
}

/** Fills in what a state that was not made by an agent lacks. */
export function ensureAgentFields(draft: AgentDraft): void {
  const fields = draft as Partial<AgentDraft>;
  fields.messages ??= [];
  fields.currentNarrative ??= "";
  fields.streamingProperties ??= idleStreaming();
}

export interface TurnBeginning {
  /** ISO 8601. */
  readonly at: string;
  /** What was said, for the answer to answer. */
  readonly message?: Message;
  /** Of the message that the answer becomes: readers can follow it from its first token on. */
  readonly answerId?: string;
}

/** An answer that was never ended joins the messages first, as interrupted: its text was shown. */
export function beginTurn(draft: AgentDraft, turn: TurnBeginning): void {
  ensureAgentFields(draft);
  if (hasUnendedText(draft)) interruptAnswer(draft, { id: `answer-m${draft.messages.length}`, at: turn.at });
  if (turn.message !== undefined) draft.messages.push(turn.message as Draft<Message>);
  beginAnswer(draft, turn.at, turn.answerId);
}

function hasUnendedText({ streamingProperties }: AgentDraft): boolean {
  const { partialResponse, partialReasoning } = streamingProperties;
  return isStreaming({ streamingProperties }) && [partialResponse, partialReasoning].some(Boolean);
}

function beginAnswer(draft: AgentDraft, at: string | null, id: string | undefined): void {
  draft.currentNarrative = "";
  draft.streamingProperties = {
    ...idleStreaming(),
    streamingStartTime: at,
    ...(id === undefined ? {} : { messageId: id }),
  };
}

function answerOf(draft: AgentDraft, end: AnswerEnd): Message {
  const { messageId, partialResponse, partialReasoning = "", tokenCount } = draft.streamingProperties;
  return {
    id: typeof messageId === "string" && messageId !== "" ? messageId : end.id,
    role: "assistant",
    content: partialResponse,
    createdAt: end.at,
    status: end.status,
    ...(end.model === undefined ? {} : { model: end.model }),
    ...(end.usage === undefined ? {} : { usage: end.usage }),
    ...(partialReasoning === "" ? {} : { reasoning: partialReasoning }),
    ...(end.giveBack === undefined ? {} : { giveBack: end.giveBack }),
    tokenCount,
    ...(end.finishReason === undefined ? {} : { finishReason: end.finishReason }),
    ...(end.toolCalls === undefined || end.toolCalls.length === 0 ? {} : { toolCalls: end.toolCalls }),
    ...(end.error === undefined ? {} : { error: end.error }),
  };
}

/** The text joins the messages. It stays readable in `partialResponse` and `currentNarrative` until the next answer. */
export function endAnswer(draft: AgentDraft, end: AnswerEnd): void {
  draft.messages.push(answerOf(draft, end) as Draft<Message>);
  const streaming = draft.streamingProperties;
  if (end.turnContinues === true) {
    beginAnswer(draft, streaming.streamingStartTime, end.nextId);
    return;
  }
  streaming.streamingEndTime = end.at;
  if (end.status === "complete") streaming.streamingProgress = 100;
}

export function addMessage(draft: AgentDraft, message: Message): void {
  ensureAgentFields(draft);
  draft.messages.push(message as Draft<Message>);
}

/** What a dead writer's answer becomes for everyone who reads it: all its text, marked as interrupted. */
export function interruptAnswer(
  draft: AgentDraft,
  end: { readonly id: string; readonly at: string; readonly model?: string },
): void {
  ensureAgentFields(draft);
  endAnswer(draft, { ...end, status: "interrupted" });
}
