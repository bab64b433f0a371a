/**
 * A session of Claude Code: JSON lines of type user, assistant, system, summary and others, linked by `parentUuid`. The
 * way to the last message is the conversation; results of tools that were called on it belong to it, wherever they hang.
 * Every other line (side chains, abandoned branches, summaries, file snapshots) is kept under `importedFrom.otherLines`.
 */
import { isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { titleFrom } from "../../model/conversation.js";
import type { SessionLine } from "./claude-code-line.js";
import { toMessages } from "./claude-code-messages.js";
import {
  listAt,
  mustIso,
  objectAt,
  refuse,
  stateOf,
  textAt,
  type ImportedConversation,
  type ImportOptions,
} from "./imported.js";
import type { Line } from "./read-text.js";

const TYPES = ["user", "assistant", "system", "summary"];

export function isClaudeCodeSession(lines: readonly Line[]): boolean {
  const isLine = ({ value }: Line): boolean => isJsonObject(value) && typeof ownValue(value, "type") === "string";
  const isKnown = ({ value }: Line): boolean =>
    isJsonObject(value) &&
    TYPES.includes(textAt(value, "type") ?? "") &&
    ["sessionId", "uuid", "leafUuid"].some((key) => Object.hasOwn(value, key));
  return lines.length > 0 && lines.every(isLine) && lines.some(isKnown);
}

function isTurn({ fields }: SessionLine): boolean {
  if (fields["type"] === "system") return typeof fields["content"] === "string" && fields["content"] !== "";
  return (fields["type"] === "user" || fields["type"] === "assistant") && isJsonObject(ownValue(fields, "message"));
}

function toLine(line: Line, options: ImportOptions): SessionLine {
  const fields = line.value as JsonObject;
  return {
    number: line.number,
    fields,
    uuid: textAt(fields, "uuid") ?? "",
    createdAt: mustIso(fields, "timestamp", `line ${line.number}`, options.at),
  };
}

/** A resumed session begins behind lines of another file: where a parent is missing, the way ends. */
function wayTo(last: SessionLine | undefined, byUuid: ReadonlyMap<string, SessionLine>): Set<SessionLine> {
  const way = new Set<SessionLine>();
  for (let line = last; line !== undefined;) {
    if (way.has(line)) throw refuse(`line ${line.number}`, "is its own ancestor");
    way.add(line);
    const parent = textAt(line.fields, "parentUuid") ?? textAt(line.fields, "logicalParentUuid");
    line = parent === undefined ? undefined : byUuid.get(parent);
  }
  return way;
}

function blocksOf(line: SessionLine, type: string, idField: string): string[] {
  return listAt(objectAt(line.fields, "message"), "content").flatMap((block) =>
    isJsonObject(block) && block["type"] === type ? (textAt(block, idField) ?? []) : [],
  );
}

/** Parts of one answer are lines of their own: those of parallel calls, and their results, branch off the way. */
function belonging(lines: readonly SessionLine[], way: ReadonlySet<SessionLine>): SessionLine[] {
  const answers = new Set([...way].flatMap((line) => textAt(objectAt(line.fields, "message"), "id") ?? []));
  const withSiblings = lines.filter(
    (line) =>
      way.has(line) ||
      (line.fields["type"] === "assistant" &&
        line.fields["isSidechain"] !== true &&
        answers.has(textAt(objectAt(line.fields, "message"), "id") ?? "")),
  );
  const calls = new Set(withSiblings.flatMap((line) => blocksOf(line, "tool_use", "id")));
  const chosen = new Set(withSiblings);
  return lines.filter(
    (line) => chosen.has(line) || blocksOf(line, "tool_result", "tool_use_id").some((id) => calls.has(id)),
  );
}

/** Fields with one value in every line are said once. */
function commonFields(lines: readonly SessionLine[]): JsonObject {
  const [first, ...rest] = lines;
  const candidates = Object.entries(first?.fields ?? {}).filter(
    ([key]) => !["type", "uuid", "parentUuid", "timestamp", "message", "content"].includes(key),
  );
  return Object.fromEntries(
    candidates.filter(([key, value]) => rest.every((line) => jsonEqual(ownValue(line.fields, key), value))),
  );
}

function titleOf(lines: readonly SessionLine[]): string | undefined {
  const named = (type: string, key: string): string | undefined =>
    textAt(lines.findLast((line) => line.fields["type"] === type)?.fields ?? {}, key);
  return named("custom-title", "customTitle") ?? named("ai-title", "aiTitle") ?? named("summary", "summary");
}

export function fromClaudeCode(source: readonly Line[], options: ImportOptions): ImportedConversation {
  const lines = source.map((line) => toLine(line, options));
  const turns = lines.filter(isTurn);
  const byUuid = new Map(lines.filter((line) => line.uuid !== "").map((line) => [line.uuid, line]));
  const way = wayTo(turns.findLast((line) => line.fields["isSidechain"] !== true) ?? turns.at(-1), byUuid);
  const shown = belonging(turns, way);
  const session = commonFields(shown);
  const kept = new Set(shown);
  const otherLines = lines
    .filter((line) => !kept.has(line))
    .map(({ number, fields }): Json => ({ line: number, fields }));
  const [sessionId, title] = [
    textAt(lines.find((line) => textAt(line.fields, "sessionId") !== undefined)?.fields ?? {}, "sessionId"),
    titleOf(lines),
  ];
  const importedFrom = {
    format: "claude-code",
    ...(Object.keys(session).length === 0 ? {} : { session }),
    ...(otherLines.length === 0 ? {} : { otherLines }),
  };
  const createdAt = (shown[0] ?? lines[0])?.createdAt ?? options.at;
  return {
    place: "",
    name: sessionId === undefined ? undefined : `claude-code-${sessionId}`,
    version: {
      state: stateOf(toMessages(shown, session), importedFrom),
      revision: 1,
      info: { createdAt, ...(title === undefined ? {} : { title: titleFrom(title) }) },
    },
    points: [],
  };
}
