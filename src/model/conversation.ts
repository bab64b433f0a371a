/**
 * What a conversation is: its state as a program sees it, what is said of it in `_metadata`, and what can be
 * derived from the one for the other. Pure; the shapes are those of the file format.
 */
import { isFrozenJson, isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";
import { MAX_MARKS, type SessionMark } from "./sessions.js";

export const SCHEMA_VERSION = "1.0.0";

/** No file is believed that names a higher revision: what is written next must still be a number that JSON carries exactly. */
export const MAX_REVISION = 2 ** 52;

export const ROLES = ["system", "user", "assistant", "tool"] as const;
export type Role = (typeof ROLES)[number];

export const STATUSES = ["streaming", "complete", "interrupted", "error"] as const;
export type Status = (typeof STATUSES)[number];

export type ToolCall = {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
  /** ISO 8601; when it was last begun, durable before it was. */
  readonly startedAt?: string;
  /** Why it cannot be carried out: arguments that are no JSON are in `args.input`, as they came. */
  readonly error?: { readonly code: string; readonly message: string };
};

export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
};

/** What the provider wants back with the results of a message's calls, as long as it is asked for the same model. */
export type GiveBack = {
  /** Its blocks of thinking, signatures included; a text in them is its length, and stands in the message's `reasoning`. */
  readonly blocks?: readonly JsonObject[];
  /** Signatures beside the content. */
  readonly fields?: JsonObject;
  /** The reasoning itself, under the name `reasoning_content`. */
  readonly reasoningContent?: true;
};

export type Message = {
  readonly id: string;
  readonly role: Role;
  readonly content: string | readonly Json[];
  /** ISO 8601. */
  readonly createdAt: string;
  /** Of an assistant's message. */
  readonly status?: Status;
  /** `provider:name`. */
  readonly model?: string;
  readonly usage?: Usage;
  /** What the model thought before it; never a part of the answer. */
  readonly reasoning?: string;
  readonly giveBack?: GiveBack;
  /** Tokens streamed for this message. */
  readonly tokenCount?: number;
  /** The model's own word for why it stopped. */
  readonly finishReason?: string;
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool's message: the call it answers. */
  readonly toolCallId?: string;
  readonly name?: string;
  readonly error?: { readonly code: string; readonly message: string };
};

export type StreamingProperties = {
  /** Of the answer that streams, from its first token on, and of the last one that did: the id of the message that it becomes. */
  readonly messageId?: string;
  readonly lastToken: string;
  readonly tokenCount: number;
  /** 0 to 100; 100 only when complete. */
  readonly streamingProgress: number;
  readonly partialResponse: string;
  /** Where the model lets see what it thinks. */
  readonly partialReasoning?: string;
  /** ISO 8601; null before the first answer. */
  readonly streamingStartTime: string | null;
  readonly streamingEndTime: string | null;
};

/** The parts the agent knows; an application's own fields live beside them. */
export type AgentState = {
  readonly messages: readonly Message[];
  readonly currentNarrative: string;
  readonly streamingProperties: StreamingProperties;
};

/** Any plain JSON object. Files of other applications need not have the agent's fields. */
export type State = JsonObject;

/** What is known of a conversation besides its state; changed by records of its own. */
export type Info = {
  readonly createdAt: string;
  readonly title?: string;
  readonly model?: string;
  readonly baseUrl?: string;
  /** Of a conversation that was had elsewhere: when it was last changed there. True of this revision alone. */
  readonly imported?: ImportNote & { readonly revision: number };
  /** Which message's tool calls were not begun yet, here: session/unbegun-calls.ts. */
  readonly unbegunCalls?: string;
  /** Fields of `_metadata` that this version does not know. */
  readonly extra?: JsonObject;
};

/** In `_metadata` until the conversation is changed here. */
export type ImportNote = {
  /** ISO 8601. */
  readonly updatedAt: string;
};

export const BACKUP_REASONS = ["turn", "interim", "restore", "migrate", "repair", "manual"] as const;
export type BackupReason = (typeof BACKUP_REASONS)[number];

export type BackupNote = {
  readonly reason: BackupReason;
  readonly tag?: string;
  readonly pinned?: boolean;
};

/** Of a snapshot that a session keeps elsewhere while it cannot write to its store. */
export type SpillNote = {
  readonly format: typeof SPILL_FORMAT;
  /** The identity of the store that it belongs to. */
  readonly store: string;
  /** The session that wrote it, and the only one that ever replaces it. */
  readonly session: string;
  /** The last revision that this session, or the spill it continued, saw durable in the store; 0 where there was none. */
  readonly base: number;
};

export const SPILL_FORMAT = 1;

export type Metadata = {
  readonly savedAt: string;
  readonly version: string;
  readonly conversationId: string;
  readonly revision: number;
  readonly checksum?: string;
  readonly createdAt: string;
  readonly title: string;
  readonly status: Status;
  readonly messageCount: number;
  readonly tokenCount: number;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly backup?: BackupNote;
  readonly spill?: SpillNote;
  readonly imported?: ImportNote;
  readonly unbegunCalls?: string;
  /** Which sessions wrote what the file holds; at most `MAX_MARKS`. */
  readonly sessions?: readonly SessionMark[];
  readonly extra?: JsonObject;
};

/** A conversation at one revision. */
export type Version = {
  readonly state: State;
  readonly info: Info;
  readonly revision: number;
};

/** In characters, of a title that is made from the first message. */
const MAX_TITLE_LENGTH = 80;
/** Of one that was given: longer ones are refused, since `_metadata` is read from the end of a file. */
export const MAX_OWN_TITLE_LENGTH = 200;

export function initialState(): State & AgentState {
  return {
    messages: [],
    currentNarrative: "",
    streamingProperties: idleStreaming(),
  };
}

export function idleStreaming(): StreamingProperties {
  return {
    lastToken: "",
    tokenCount: 0,
    streamingProgress: 0,
    partialResponse: "",
    streamingStartTime: null,
    streamingEndTime: null,
  };
}

export function messagesOf(state: State): readonly Json[] {
  const messages = ownValue(state, "messages");
  return Array.isArray(messages) ? (messages as readonly Json[]) : [];
}

export function streamingOf(state: State): JsonObject {
  const streaming = ownValue(state, "streamingProperties");
  return isJsonObject(streaming) ? streaming : {};
}

export function isStreaming(state: State): boolean {
  const streaming = streamingOf(state);
  const [start, end] = [ownValue(streaming, "streamingStartTime"), ownValue(streaming, "streamingEndTime")];
  return typeof start === "string" && start !== "" && (end === undefined || end === null || end === "");
}

/** Of the answer being told, or of the last one told. */
export function statusOf(state: State): Status {
  if (isStreaming(state)) return "streaming";
  const answer = messagesOf(state).findLast((message) => isJsonObject(message) && message["role"] === "assistant");
  const status = isJsonObject(answer) ? answer["status"] : undefined;
  return status === "interrupted" || status === "error" ? status : "complete";
}

function numberAt(object: JsonObject, key: string): number {
  const value = ownValue(object, key);
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

interface Tokens {
  readonly total: number;
  /** Whether any of them were streamed here. */
  readonly streamed: boolean;
}

/** Of lists that never change: while an answer streams, only its own tokens are added to those of the messages. */
const counted = new WeakMap<readonly Json[], Tokens>();

function tokensOf(messages: readonly Json[]): Tokens {
  const known = counted.get(messages);
  if (known !== undefined) return known;
  const tokens = countTokens(messages);
  if (isFrozenJson(messages)) counted.set(messages, tokens);
  return tokens;
}

function countTokens(messages: readonly Json[]): Tokens {
  let total = 0;
  let streamed = false;
  for (const message of messages) {
    if (!isJsonObject(message) || message["role"] !== "assistant") continue;
    const usage = ownValue(message, "usage");
    const own = numberAt(message, "tokenCount");
    streamed ||= own > 0;
    total += own > 0 ? own : isJsonObject(usage) ? numberAt(usage, "outputTokens") : 0;
  }
  return { total, streamed };
}

/** Tokens the models gave in this conversation: as streamed, or as reported where an answer was not streamed here. */
export function tokenCountOf(state: State): number {
  const { total, streamed } = tokensOf(messagesOf(state));
  const current = numberAt(streamingOf(state), "tokenCount");
  if (isStreaming(state)) return total + current;
  return streamed || total > 0 ? total : current;
}

export function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as readonly Json[])
    .map((block) =>
      typeof block === "string" ? block : isJsonObject(block) && typeof block["text"] === "string" ? block["text"] : "",
    )
    .join("");
}

/** Cuts at a code point, never inside a surrogate pair. */
function shorten(text: string, length: number): string {
  const points = Array.from(text.slice(0, length * 2));
  return points.length > length
    ? `${points
        .slice(0, length - 1)
        .join("")
        .trimEnd()}…`
    : points.join("");
}

export function titleFrom(text: string): string {
  const line =
    text
      .split("\n")
      .map((part) => part.trim())
      .find((part) => part !== "") ?? "";
  return shorten(line.replaceAll(/\s+/g, " "), MAX_TITLE_LENGTH);
}

export function titleOf(version: Pick<Version, "state" | "info">): string {
  if (version.info.title !== undefined && version.info.title !== "")
    return shorten(version.info.title, MAX_OWN_TITLE_LENGTH);
  const first = messagesOf(version.state).find((message) => isJsonObject(message) && message["role"] === "user");
  return isJsonObject(first) ? titleFrom(textOf(first["content"])) : "";
}

export function metadataOf(
  version: Version,
  conversationId: string,
  savedAt: string,
  sessions: readonly SessionMark[] = [],
): Metadata {
  const { state, info, revision } = version;
  return {
    savedAt,
    version: SCHEMA_VERSION,
    conversationId,
    revision,
    createdAt: info.createdAt,
    title: titleOf(version),
    status: statusOf(state),
    messageCount: messagesOf(state).length,
    tokenCount: tokenCountOf(state),
    ...(info.model === undefined ? {} : { model: info.model }),
    ...(info.baseUrl === undefined ? {} : { baseUrl: info.baseUrl }),
    ...(sessions.length === 0 ? {} : { sessions: sessions.slice(-MAX_MARKS) }),
    ...(info.imported?.revision === revision ? { imported: { updatedAt: info.imported.updatedAt } } : {}),
    ...(info.unbegunCalls === undefined ? {} : { unbegunCalls: info.unbegunCalls }),
    ...(info.extra === undefined ? {} : { extra: info.extra }),
  };
}

export function infoOf(metadata: Metadata): Info {
  return {
    createdAt: metadata.createdAt,
    ...(metadata.title === "" ? {} : { title: metadata.title }),
    ...(metadata.model === undefined ? {} : { model: metadata.model }),
    ...(metadata.baseUrl === undefined ? {} : { baseUrl: metadata.baseUrl }),
    ...(metadata.imported === undefined ? {} : { imported: { ...metadata.imported, revision: metadata.revision } }),
    ...(metadata.unbegunCalls === undefined ? {} : { unbegunCalls: metadata.unbegunCalls }),
    ...(metadata.extra === undefined ? {} : { extra: metadata.extra }),
  };
}
