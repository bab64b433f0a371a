/**
 * `llm logs --json` of simonw/llm: a list of responses, each with its prompt, told apart by `conversation_id`. A response
 * becomes: a system message where the prompt's changed, the results of tools it was given, the prompt, the answer.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import {
  at,
  faultOf,
  lastDateOf,
  listAt,
  mustIso,
  refuse,
  stateOf,
  textAt,
  unlessEmpty,
  without,
  type Fault,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";

export function isLlmRow(row: Json): row is JsonObject {
  return ["prompt", "response", "model"].every((key) => isJsonObject(row) && Object.hasOwn(row, key));
}

interface Row {
  readonly fields: JsonObject;
  readonly place: string;
  readonly id: string;
  readonly createdAt: string;
}

function toRow(fields: JsonObject, index: number, options: ImportOptions): Row {
  const place = at("", index);
  const id = textAt(fields, "id");
  if (id === undefined) throw refuse(at(place, "id"), "is missing");
  for (const key of ["prompt", "response", "system"]) {
    const value = ownValue(fields, key);
    if (value !== undefined && value !== null && typeof value !== "string") throw refuse(at(place, key), "is not text");
  }
  const row = { fields, place, id, createdAt: mustIso(fields, "datetime_utc", place, options.at) };
  // Whatever cannot become a message is this row's fault alone.
  messagesOfRow(row, undefined);
  return row;
}

/** llm keeps a long text once, as a fragment, and puts it before what was typed. */
function withFragments(fields: JsonObject, name: "prompt" | "system"): string | undefined {
  const texts = listAt(fields, `${name}_fragments`).flatMap((fragment) =>
    typeof fragment === "string" ? fragment : isJsonObject(fragment) ? (textAt(fragment, "content") ?? []) : [],
  );
  const whole = [...texts, textAt(fields, name) ?? ""].filter((text) => text !== "").join("\n");
  return whole === "" ? undefined : whole;
}

function order(left: Row, right: Row): number {
  const [a, b] = [
    textAt(left.fields, "datetime_utc") ?? left.createdAt,
    textAt(right.fields, "datetime_utc") ?? right.createdAt,
  ];
  if (a !== b) return a < b ? -1 : 1;
  return left.id < right.id ? -1 : 1;
}

function toolCall(call: Json, place: string, otherwise: string): JsonObject {
  const [name, args] = isJsonObject(call) ? [textAt(call, "name"), ownValue(call, "arguments")] : [];
  if (!isJsonObject(call) || name === undefined) throw refuse(place, "is not a tool call: it has no name");
  return {
    id: textAt(call, "tool_call_id") ?? otherwise,
    name,
    args: isJsonObject(args) ? args : { input: args ?? null },
    ...unlessEmpty(
      "source",
      without(call, isJsonObject(args) ? ["name", "arguments", "tool_call_id"] : ["name", "tool_call_id"]),
    ),
  };
}

function toolResult(result: Json, place: string, row: Row, index: number): JsonObject {
  if (!isJsonObject(result)) throw refuse(place, "is not a tool result");
  const [output, callId, name] = [ownValue(result, "output"), textAt(result, "tool_call_id"), textAt(result, "name")];
  return {
    id: `${row.id}-result-${index + 1}`,
    role: "tool",
    content: typeof output === "string" ? output : JSON.stringify(output ?? null),
    createdAt: row.createdAt,
    ...(callId === undefined ? {} : { toolCallId: callId }),
    ...(name === undefined ? {} : { name }),
    ...unlessEmpty(
      "source",
      without(result, typeof output === "string" ? ["output", "tool_call_id", "name"] : ["tool_call_id", "name"]),
    ),
  };
}

/** What was asked: its text, and what was attached to it as blocks. */
function promptOf(fields: JsonObject): Json | undefined {
  const text = withFragments(fields, "prompt");
  const attachments = listAt(fields, "attachments").filter(isJsonObject);
  if (attachments.length === 0) return text;
  const blocks = attachments.map(({ type, ...rest }) => ({ type: "attachment", mime_type: type ?? null, ...rest }));
  return [...(text === undefined ? [] : [{ type: "text", text }]), ...blocks];
}

const OWN_PLACE = [
  "id",
  "model",
  "prompt",
  "system",
  "response",
  "conversation_id",
  "tool_calls",
  "tool_results",
  "conversation_name",
  "attachments",
];

function answer(row: Row): JsonObject {
  const { fields, place, id, createdAt } = row;
  const model = textAt(fields, "model");
  const [input, output] = [ownValue(fields, "input_tokens"), ownValue(fields, "output_tokens")];
  const calls = listAt(fields, "tool_calls").map((call, index) =>
    toolCall(call, at(place, `tool_calls[${index}]`), `${id}-call-${index + 1}`),
  );
  return {
    id,
    role: "assistant",
    content: textAt(fields, "response") ?? "",
    createdAt,
    status: "complete",
    ...(model === undefined ? {} : { model }),
    ...(typeof input === "number" || typeof output === "number"
      ? {
          usage: {
            inputTokens: typeof input === "number" ? input : 0,
            outputTokens: typeof output === "number" ? output : 0,
          },
        }
      : {}),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    ...unlessEmpty("source", withoutNothing(without(fields, OWN_PLACE))),
  };
}

/** Fields that llm writes for every response, whether they say something or not. */
function withoutNothing(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  );
}

function messagesOfRow(row: Row, systemBefore: string | undefined): JsonObject[] {
  const { fields, place, id, createdAt } = row;
  const [system, prompt] = [withFragments(fields, "system"), promptOf(fields)];
  const results = listAt(fields, "tool_results").map((result, index) =>
    toolResult(result, at(place, `tool_results[${index}]`), row, index),
  );
  return [
    ...(system === undefined || system === systemBefore
      ? []
      : [{ id: `${id}-system`, role: "system", content: system, createdAt }]),
    ...results,
    ...(prompt === undefined && results.length > 0
      ? []
      : [{ id: `${id}-prompt`, role: "user", content: prompt ?? "", createdAt }]),
    answer(row),
  ];
}

function toConversation(name: string, rows: readonly Row[]): ImportedConversation {
  const messages: JsonObject[] = [];
  let system: string | undefined;
  for (const row of [...rows].sort(order)) {
    messages.push(...messagesOfRow(row, system));
    system = withFragments(row.fields, "system") ?? system;
  }
  const dates = rows.map((row) => row.createdAt).sort();
  const title = textAt(rows[0]?.fields ?? {}, "conversation_name");
  const importedFrom = { format: "llm", ...(title === undefined ? {} : { conversation_name: title }) };
  return {
    place: rows[0]?.place ?? "",
    name,
    points: [],
    aside: [],
    updatedAt: lastDateOf(messages, dates.at(-1) ?? ""),
    version: {
      state: stateOf(messages, importedFrom),
      revision: 1,
      info: { createdAt: dates[0] ?? "", ...(title === undefined ? {} : { title }) },
    },
  };
}

export interface ReadLog {
  readonly conversations: readonly ImportedConversation[];
  readonly faults: readonly Fault[];
}

/** The rows with their places in the file. */
export function fromLlm(
  log: readonly { readonly value: Json; readonly index: number }[],
  options: ImportOptions,
): ReadLog {
  const groups = new Map<string, Row[]>();
  const faults: Fault[] = [];
  for (const { value, index } of log) {
    try {
      if (!isJsonObject(value)) throw refuse(at("", index), "is not a response");
      const row = toRow(value, index, options);
      const key = textAt(row.fields, "conversation_id") ?? row.id;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [row]);
      else group.push(row);
    } catch (error) {
      faults.push(faultOf(error, at("", index)));
    }
  }
  return { conversations: [...groups].map(([name, group]) => toConversation(`llm-${name}`, group)), faults };
}
