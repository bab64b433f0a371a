/** What a turn needs, and what shows it. */
import type { DraftHybridStreamingAgent } from "../../agent/agent.js";
import type { RequestEvent } from "../../agent/models/request-progress.js";
import type { TurnEvent } from "../../agent/turn.js";
import type { Conversation } from "../../session/conversation.js";
import type { CommandContext } from "../context.js";
import type { InputStream } from "../io.js";
import type { TurnTools } from "../tools/tools-for.js";
import type { Key } from "../terminal/input/keys.js";
import type { ChatConsole } from "./console.js";

export type { Approve, CallDecision, CallRequest } from "../../agent/approval.js";
export type { DraftHybridStreamingAgent, RequestEvent, TurnEvent };

/** How requests to a server go, for the presenter of the turn that waits for one. */
export interface RequestProgress {
  listener: ((event: RequestEvent) => void) | undefined;
}

export interface ChosenModel {
  readonly agent: DraftHybridStreamingAgent;
  readonly baseUrl: string | undefined;
  readonly warnings: readonly string[];
  /** A message for the person before it is asked. */
  readonly notice: string | undefined;
}

export interface TurnContext {
  readonly context: CommandContext;
  readonly console: ChatConsole | undefined;
  /** Source of plain lines; undefined if none can be typed. */
  readonly input: InputStream | undefined;
  readonly progress: RequestProgress;
  /** Text as the model gave it: no Markdown, no wrapping. */
  readonly plain: boolean;
  /** Whether a prompt comes after the answer. */
  readonly atPrompt: boolean;
  /** The last answer failed, and asking again as it is would fail in the same way. */
  failedLastingly: boolean;
  /** A session may switch to another one, or to a copy. */
  conversation: Conversation;
  /** Until the first message `conversation` is a stand-in in memory; this opens the real one. */
  openFirst: (() => Promise<Conversation>) | undefined;
  chosen: ChosenModel;
  /** Undefined where no MCP server is configured. */
  readonly tools: TurnTools | undefined;
  title: string | undefined;
  /** Of the store, for what was allowed in a conversation of it. */
  readonly store: string;
  /** Whether conversations are kept. */
  readonly isSaved: boolean;
  /** What a person allowed for good in this run. */
  readonly allowedHere: Set<string>;
}

export interface Presenter {
  show(event: TurnEvent): void;
  request(event: RequestEvent): void;
  /** True for a key that it took. */
  key?(key: Key): boolean;
  /** Leaves the terminal to a question; gives back what goes on. */
  pause(): () => void;
  end(): void;
}

export const STALLED = "slow disk: what you see now is not saved yet";

/** Undefined for events that a person need not know. */
export function requestNote(event: RequestEvent): string | undefined {
  if (event.kind !== "failed" || event.attempt === event.attempts) return undefined;
  return `${event.host}: ${event.reason}; retrying (${event.attempt} of ${event.attempts - 1})`;
}

/** Undefined where nothing of the answer is lost. */
export function requestWarning(event: RequestEvent): string | undefined {
  if (event.kind !== "broken text") return undefined;
  return `${event.host} sent bytes that are not UTF-8: they are shown and kept as \ufffd`;
}
