/**
 * Files of the draft (`1.0.0-draft`) and plain lists of messages: `{role, content}`, `{type, content}`, LangChain's
 * serialised form, and tool calls as providers send them. Read by the migration that loads such files; what that leaves
 * behind is kept in the message's `source`.
 */
import { isDraftstateError } from "../../errors.js";
import { infoOf } from "../../model/conversation.js";
import { isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { migrate } from "../../model/migrations/index.js";
import { parseMetadata } from "../../snapshot/decode.js";
import {
  at,
  faultOf,
  lastDateOf,
  listAt,
  objectAt,
  refuse,
  textAt,
  type Fault,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";

export const DRAFT_VERSION = "1.0.0-draft";

export function isMessage(value: Json): value is JsonObject {
  return (
    isJsonObject(value) &&
    ["role", "type", "lc"].some((key) => Object.hasOwn(value, key)) &&
    ["content", "kwargs", "data"].some((key) => Object.hasOwn(value, key))
  );
}

export function isMessageList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0 && (value as readonly Json[]).every(isMessage);
}

function argumentsOf(text: Json | undefined): JsonObject {
  if (isJsonObject(text)) return text;
  try {
    const value: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
    if (isJsonObject(value)) return value;
  } catch {
    // Kept as it is: a call that was cut off has half its arguments.
  }
  return { input: text ?? "" };
}

/** `{id, type: "function", function: {name, arguments}}` → `{id, name, args}`. */
function plainCall(call: Json): Json {
  const wire = isJsonObject(call) ? ownValue(call, "function") : undefined;
  if (!isJsonObject(call) || !isJsonObject(wire)) return call;
  return {
    id: ownValue(call, "id") ?? null,
    name: ownValue(wire, "name") ?? null,
    args: argumentsOf(ownValue(wire, "arguments")),
  };
}

function readable(message: Json): Json {
  if (!isJsonObject(message) || ownValue(message, "lc") !== undefined) return message;
  const calls = ownValue(message, "tool_calls");
  return {
    ...message,
    ...(Array.isArray(calls) ? { tool_calls: (calls as readonly Json[]).map(plainCall) } : {}),
    ...(ownValue(message, "content") === null && Array.isArray(calls) ? { content: "" } : {}),
  };
}

/** The fields of a message in the file that the migrated one does not hold as they were. */
function leftBehind(original: Json, migrated: JsonObject): JsonObject {
  const message = isJsonObject(original) ? original : {};
  const kwargs = objectAt(message, "kwargs");
  const fields = ownValue(message, "lc") === undefined ? message : kwargs;
  const places: Readonly<Record<string, string>> = {
    id: "id",
    createdAt: "createdAt",
    content: "content",
    tool_calls: "toolCalls",
    toolCalls: "toolCalls",
    tool_call_id: "toolCallId",
    toolCallId: "toolCallId",
  };
  const lost = Object.entries(places).filter(([key, place]) => {
    const value = ownValue(fields, key);
    return (
      value !== undefined &&
      !(Array.isArray(value) && value.length === 0) &&
      !jsonEqual(value, ownValue(migrated, place))
    );
  });
  return Object.fromEntries(lost.map(([key]) => [key, fields[key] as Json]));
}

function withSource(original: readonly Json[], migrated: readonly Json[]): Json[] {
  return migrated.map((message, index) => {
    const left = leftBehind(original[index] ?? null, message as JsonObject);
    const own = isJsonObject(message) ? objectAt(message, "source") : {};
    return Object.keys(left).length === 0 ? message : { ...(message as JsonObject), source: { ...own, ...left } };
  });
}

/** Where in the file the message of this index is. */
export type PlaceOf = (index: number) => string;

/** `messages.0.tool_calls.1`, which a migration names, as it is in the file. */
function placeInFile(path: string, placeOf: PlaceOf): string {
  return path
    .replace(/^messages\.(\d+)/, (_all, index: string) => placeOf(Number(index)))
    .replaceAll(/\.(\d+)(?=\.|$)/g, "[$1]");
}

export function fromDraftDocument(
  document: JsonObject,
  options: ImportOptions,
  placeOf: PlaceOf = (index) => at("messages", index),
): ImportedConversation {
  const header = objectAt(document, "_metadata");
  const messages = ownValue(document, "messages");
  if (messages !== undefined && !Array.isArray(messages)) throw refuse("messages", "is not a list");
  const original = listAt(document, "messages");
  const dated = { ...document, messages: original.map(readable), _metadata: { savedAt: options.at, ...header } };
  try {
    const { _metadata: migratedHeader, ...state } = migrate(textAt(header, "version") ?? DRAFT_VERSION, dated);
    const metadata = parseMetadata(migratedHeader);
    if (typeof metadata === "string") throw refuse("_metadata", `cannot be read: ${metadata}`);
    const whole = { ...state, messages: withSource(original, listAt(state, "messages")) };
    return {
      place: "",
      name: textAt(header, "conversationId"),
      version: { state: whole, info: infoOf(metadata), revision: metadata.revision },
      updatedAt: textAt(header, "savedAt") ?? lastDateOf(whole.messages, options.at),
      points: [],
      aside: [],
    };
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT") && error.path !== undefined)
      throw refuse(placeInFile(error.path, placeOf), error.message.slice(error.path.length + 1));
    throw error;
  }
}

export interface ReadMessages {
  /** Undefined where none of them can be read. */
  readonly conversation: ImportedConversation | undefined;
  readonly faults: readonly Fault[];
}

/** A bare list of messages; those that cannot be read are left out, and named. */
export function fromMessages(
  messages: readonly { readonly value: Json; readonly place: string }[],
  options: ImportOptions,
): ReadMessages {
  const faults: Fault[] = [];
  const good = messages.filter(({ value, place }) => {
    try {
      bareList([value], () => place, options);
      return true;
    } catch (error) {
      faults.push(faultOf(error, place));
      return false;
    }
  });
  const values = good.map(({ value }) => value);
  if (values.length === 0) return { conversation: undefined, faults };
  return { conversation: bareList(values, (index) => good[index]?.place ?? "", options), faults };
}

function bareList(messages: readonly Json[], placeOf: PlaceOf, options: ImportOptions): ImportedConversation {
  const document = { messages, _metadata: { version: DRAFT_VERSION, savedAt: options.at } };
  const read = fromDraftDocument(document, options, placeOf);
  return { ...read, name: undefined, updatedAt: lastDateOf(listAt(read.version.state, "messages"), options.at) };
}

export function isDraftDocument(value: Json): value is JsonObject {
  if (!isJsonObject(value)) return false;
  if (textAt(objectAt(value, "_metadata"), "version") === DRAFT_VERSION) return true;
  return ownValue(value, "_metadata") === undefined && isMessageList(ownValue(value, "messages"));
}
