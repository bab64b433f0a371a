/**
 * Sessions of Gemini CLI (`~/.gemini/tmp/…/chats/session-*`): one JSON document, or JSON lines of a header, messages, updates
 * (`$set`) and rewinds (`$rewindTo`). Its notices and thoughts, and what was rewound, stay in the state. Pure.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { titleFrom } from "../../model/conversation.js";
import {
  asidesOf,
  faultOf,
  lastDateOf,
  listAt,
  mustIso,
  objectAt,
  refuse,
  stateOf,
  textAt,
  toIso,
  unlessEmpty,
  without,
  type Fault,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";
import type { Line } from "./text/json-lines.js";

export function isGeminiSession(value: Json): value is JsonObject {
  return isJsonObject(value) && Object.hasOwn(value, "sessionId") && Object.hasOwn(value, "projectHash");
}

interface SessionRecord {
  readonly place: string;
  readonly fields: JsonObject;
}

interface Session {
  readonly header: JsonObject;
  readonly records: readonly SessionRecord[];
  /** Messages that a rewind took back. */
  readonly rewound: readonly SessionRecord[];
}

export interface ReadSession {
  readonly conversation: ImportedConversation;
  readonly faults: readonly Fault[];
}

const ROLES: Readonly<{ [type: string]: string }> = { user: "user", gemini: "assistant", model: "assistant" };

function recordsOf(value: Json | undefined, place: string): SessionRecord[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).map((fields, index) => ({
    place: `${place}[${index}]`,
    fields: isJsonObject(fields) ? fields : { value: fields },
  }));
}

export function fromGeminiSession(document: JsonObject, options: ImportOptions): ReadSession {
  const records = recordsOf(ownValue(document, "messages"), "messages");
  return read({ header: without(document, ["messages"]), records, rewound: [] }, options);
}

/** A message that is written again replaces the one of its id. */
export function fromGeminiLines(lines: readonly Line[], options: ImportOptions): ReadSession {
  let header: JsonObject = {};
  let records = new Map<string, SessionRecord>();
  const rewound: SessionRecord[] = [];
  for (const { number, value } of lines) {
    const place = `line ${number}`;
    const fields = isJsonObject(value) ? value : { value };
    const [rewindTo, id] = [textAt(fields, "$rewindTo"), textAt(fields, "id")];
    if (rewindTo !== undefined) {
      const all = [...records];
      const from = Math.max(
        0,
        all.findIndex(([key]) => key === rewindTo),
      );
      rewound.push(...all.slice(from).map(([, record]) => record));
      records = new Map(all.slice(0, from));
    } else if (id !== undefined) records.set(id, { place, fields });
    else if (isJsonObject(ownValue(fields, "$set"))) {
      const set = objectAt(fields, "$set");
      const whole = recordsOf(ownValue(set, "messages"), `${place}.$set.messages`);
      if (whole.length > 0)
        records = new Map(whole.map((each, index) => [textAt(each.fields, "id") ?? `${index}`, each]));
      header = { ...header, ...without(set, ["messages"]) };
    } else header = { ...header, ...fields };
  }
  return read({ header, records: [...records.values()], rewound }, options);
}

/** `PartListUnion`: a text, a part, or a list of both. */
function contentOf(content: Json | undefined): Json {
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? (content as readonly Json[]) : content === undefined ? [] : [content];
  const [only, ...more] = parts;
  if (more.length === 0) {
    if (only === undefined || only === null) return "";
    if (typeof only === "string") return only;
    if (isJsonObject(only) && typeof only["text"] === "string" && Object.keys(only).length === 1) return only["text"];
  }
  return parts.map((part) =>
    typeof part === "string" ||
    (isJsonObject(part) && Object.keys(part).length === 1 && typeof part["text"] === "string")
      ? { type: "text", text: typeof part === "string" ? part : (part["text"] as string) }
      : part,
  );
}

function resultOf(call: JsonObject): Json {
  const [result, display] = [ownValue(call, "result"), textAt(call, "resultDisplay")];
  const responses = (Array.isArray(result) ? (result as readonly Json[]) : [result ?? null]).flatMap((part) => {
    const response = isJsonObject(part) ? objectAt(objectAt(part, "functionResponse"), "response") : {};
    return textAt(response, "output") ?? textAt(response, "error") ?? [];
  });
  if (responses.length > 0) return responses.join("\n");
  return display ?? (result === undefined || result === null ? "" : JSON.stringify(result));
}

function toMessages({ fields, place }: SessionRecord, otherwise: string): JsonObject[] {
  const role = ROLES[textAt(fields, "type") ?? ""] ?? "";
  const [id, createdAt] = [textAt(fields, "id"), mustIso(fields, "timestamp", place, otherwise)];
  if (id === undefined) throw refuse(place, "is not a message: it has no id");
  const calls = listAt(fields, "toolCalls").filter(isJsonObject);
  const [model, tokens] = [textAt(fields, "model"), objectAt(fields, "tokens")];
  const ids = calls.map((call, index) => textAt(call, "id") ?? `${id}-call-${index + 1}`);
  return [
    {
      id,
      role,
      content: contentOf(ownValue(fields, "content")),
      createdAt,
      ...(role === "assistant" ? { status: "complete" } : {}),
      ...(model === undefined ? {} : { model: `google:${model}` }),
      ...(typeof tokens["input"] === "number" && typeof tokens["output"] === "number"
        ? { usage: { inputTokens: tokens["input"], outputTokens: tokens["output"] } }
        : {}),
      ...(calls.length === 0 ? {} : { toolCalls: calls.map((call, index) => toolCall(call, ids[index] ?? "")) }),
      ...unlessEmpty("source", without(fields, ["id", "type", "content", "timestamp", "model", "toolCalls"])),
    },
    ...calls.map((call, index) => ({
      id: `${id}-result-${index + 1}`,
      role: "tool",
      content: resultOf(call),
      createdAt: toIso(ownValue(call, "timestamp")) ?? createdAt,
      toolCallId: ids[index] ?? "",
      ...unlessEmpty("source", without(call, ["id", "name", "args"])),
    })),
  ];
}

function toolCall(call: JsonObject, id: string): JsonObject {
  return { id, name: textAt(call, "name") ?? "tool", args: objectAt(call, "args") };
}

function read({ header, records, rewound }: Session, options: ImportOptions): ReadSession {
  const createdAt = mustIso(header, "startTime", "", options.at);
  const isSaid = ({ fields }: SessionRecord): boolean => Object.hasOwn(ROLES, textAt(fields, "type") ?? "");
  const faults: Fault[] = [];
  const messages = records.filter(isSaid).flatMap((record) => {
    try {
      return toMessages(record, createdAt);
    } catch (error) {
      faults.push(faultOf(error, record.place));
      return [];
    }
  });
  const isNotice = (record: SessionRecord): boolean => !isSaid(record);
  const notices = records.filter(isNotice).map(({ fields }) => fields);
  const [id, title] = [textAt(header, "sessionId"), textAt(header, "summary")];
  const model = messages.findLast((message) => typeof message["model"] === "string")?.["model"];
  return {
    faults,
    conversation: {
      place: "",
      name: id === undefined ? undefined : `gemini-cli-${id}`,
      version: {
        state: stateOf(messages, {
          format: "gemini-cli",
          ...header,
          ...(notices.length === 0 ? {} : { notices }),
          ...(rewound.length === 0 ? {} : { rewound: rewound.map(({ fields }) => fields) }),
        }),
        revision: 1,
        info: {
          createdAt,
          ...(title === undefined ? {} : { title: titleFrom(title) }),
          ...(typeof model === "string" ? { model } : {}),
        },
      },
      updatedAt: toIso(ownValue(header, "lastUpdated")) ?? lastDateOf(messages, createdAt),
      points: [],
      aside: asidesOf({
        "abandoned branch": rewound.filter(isSaid).length,
        notice: [...records, ...rewound].filter(isNotice).length,
      }),
    },
  };
}
