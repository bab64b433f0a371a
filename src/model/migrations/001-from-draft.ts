/**
 * 1.0.0-draft → 1.0.0. A draft's file has no revision and no checksum; its messages are `{role, content}`,
 * `{type: "human" | "ai" | …, content}` or LangChain's serialised form, which is read as data through a list of
 * known classes: no constructor that a file names is ever called.
 */
import { DraftstateError } from "../../errors.js";
import { metadataOf, SCHEMA_VERSION, type Role } from "../conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../json.js";

const ROLE_BY_NAME: Readonly<Record<string, Role>> = {
  system: "system",
  developer: "system",
  human: "user",
  user: "user",
  ai: "assistant",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

const ROLE_BY_CLASS: Readonly<Record<string, Role>> = {
  SystemMessage: "system",
  SystemMessageChunk: "system",
  HumanMessage: "user",
  HumanMessageChunk: "user",
  AIMessage: "assistant",
  AIMessageChunk: "assistant",
  ToolMessage: "tool",
  ToolMessageChunk: "tool",
  FunctionMessage: "tool",
  FunctionMessageChunk: "tool",
};

interface Source {
  readonly role: Role;
  readonly fields: JsonObject;
  /** Where the fields are. */
  readonly path: string;
}

function refuse(path: string, found: string): DraftstateError {
  return new DraftstateError("CORRUPT", `${path} ${found}`, { path });
}

function fromSerialised(message: JsonObject, path: string): Source {
  const id = ownValue(message, "id");
  const className = Array.isArray(id) ? (id as readonly Json[]).at(-1) : undefined;
  const role =
    typeof className === "string" && Object.hasOwn(ROLE_BY_CLASS, className) ? ROLE_BY_CLASS[className] : undefined;
  const fields = ownValue(message, "kwargs");
  if (role === undefined)
    throw refuse(`${path}.id`, `is no known class of messages: ${JSON.stringify(className ?? null)}`);
  if (!isJsonObject(fields)) throw refuse(`${path}.kwargs`, "is missing");
  return { role, fields, path: `${path}.kwargs` };
}

function fromNamed(message: JsonObject, path: string): Source {
  const key = (ownValue(message, "role") ?? null) === null && Object.hasOwn(message, "type") ? "type" : "role";
  const name = ownValue(message, key);
  const role = typeof name === "string" && Object.hasOwn(ROLE_BY_NAME, name) ? ROLE_BY_NAME[name] : undefined;
  if (role === undefined) throw refuse(`${path}.${key}`, `is no known role: ${JSON.stringify(name ?? null)}`);
  const data = ownValue(message, "data");
  return isJsonObject(data) && ownValue(message, "content") === undefined
    ? { role, fields: data, path: `${path}.data` }
    : { role, fields: message, path };
}

function contentOf(fields: JsonObject, path: string): Json {
  const content = ownValue(fields, "content");
  if (typeof content === "string" || Array.isArray(content)) return content;
  throw refuse(`${path}.content`, "is neither a text nor a list of blocks");
}

function toolCallsOf(fields: JsonObject, path: string): Json | undefined {
  const key = (ownValue(fields, "tool_calls") ?? null) === null ? "toolCalls" : "tool_calls";
  const calls = ownValue(fields, key);
  if (!Array.isArray(calls) || calls.length === 0) return undefined;
  return (calls as readonly Json[]).map((call, index) => {
    const [name, args, id] = isJsonObject(call)
      ? [ownValue(call, "name"), ownValue(call, "args"), ownValue(call, "id")]
      : [];
    if (typeof name !== "string" || !isJsonObject(args))
      throw refuse(`${path}.${key}.${index}`, "is not a tool call: it has no name and args");
    return { id: typeof id === "string" ? id : `call-${index + 1}`, name, args };
  });
}

/** Fields of a plain message beyond the known ones are an application's own and stay. */
const CONSUMED = new Set([
  "id",
  "role",
  "type",
  "content",
  "createdAt",
  "tool_calls",
  "toolCalls",
  "tool_call_id",
  "toolCallId",
]);

export function migrateMessage(
  message: Json,
  path: string,
  defaults: { readonly id: string; readonly createdAt: string },
): JsonObject {
  if (!isJsonObject(message)) throw refuse(path, "is not a message: it is not an object");
  const serialised = ownValue(message, "lc") !== undefined;
  const { role, fields, path: place } = serialised ? fromSerialised(message, path) : fromNamed(message, path);
  const [id, createdAt, toolCallId] = [
    ownValue(fields, "id"),
    ownValue(fields, "createdAt"),
    ownValue(fields, "tool_call_id") ?? ownValue(fields, "toolCallId"),
  ];
  const toolCalls = role === "assistant" ? toolCallsOf(fields, place) : undefined;
  const own = Object.entries(fields).filter(([key]) => !CONSUMED.has(key));
  return {
    id: typeof id === "string" && id !== "" ? id : defaults.id,
    role,
    content: contentOf(fields, place),
    createdAt: typeof createdAt === "string" ? createdAt : defaults.createdAt,
    ...(role === "assistant" ? { status: "complete" } : {}),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(typeof toolCallId === "string" ? { toolCallId } : {}),
    ...Object.fromEntries(own),
  };
}

export function fromDraft(document: JsonObject): JsonObject {
  const { _metadata: header, ...fields } = document;
  const metadata = isJsonObject(header) ? header : {};
  const [id, saved] = [ownValue(metadata, "conversationId"), ownValue(metadata, "savedAt")];
  const savedAt = typeof saved === "string" ? saved : "1970-01-01T00:00:00.000Z";
  const messages = ownValue(fields, "messages") ?? [];
  if (!Array.isArray(messages)) throw refuse("messages", "is not a list");
  const state = {
    ...fields,
    messages: (messages as readonly Json[]).map((message, index) =>
      migrateMessage(message, `messages.${index}`, { id: `m${index + 1}`, createdAt: savedAt }),
    ),
  };
  const { conversationId: _id, savedAt: _saved, version: _version, ...extra } = metadata;
  const info = { createdAt: savedAt, ...(Object.keys(extra).length === 0 ? {} : { extra }) };
  const next = metadataOf({ state, info, revision: 1 }, typeof id === "string" ? id : "", savedAt);
  const { extra: kept, ...known } = next;
  return { ...state, _metadata: { ...kept, ...known, version: SCHEMA_VERSION } };
}
