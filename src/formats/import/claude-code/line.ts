/** A line of a session of Claude Code, checked: what kind it is, which it answers, what must be whole to become a message. Pure. */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { listAt, objectAt, refuse, textAt, toIso } from "../imported.js";
import type { Line } from "../text/json-lines.js";

/** `hidden` was written by the program for the model alone; `other` is no turn: hooks, progress, notices, snapshots, titles. */
export type LineKind = "user" | "assistant" | "hidden" | "other";

export interface SessionLine {
  readonly number: number;
  readonly fields: JsonObject;
  readonly kind: LineKind;
  readonly uuid: string;
  readonly parent: string | undefined;
  readonly sessionId: string | undefined;
  readonly isSidechain: boolean;
  /** As the line says it; undefined where it does not. */
  readonly createdAt: string | undefined;
}

/** A line that is a turn: its time is its own, or that of the turn before. */
export type Turn = SessionLine & { readonly createdAt: string };

const KNOWN_TYPES = ["user", "assistant", "system", "summary"];

export function isSessionRecord(value: Json): boolean {
  return (
    isJsonObject(value) &&
    KNOWN_TYPES.includes(textAt(value, "type") ?? "") &&
    ["sessionId", "uuid", "leafUuid"].some((key) => Object.hasOwn(value, key)) &&
    !Object.hasOwn(value, "projectHash")
  );
}

export function messageOfLine({ fields }: Pick<SessionLine, "fields">): JsonObject {
  return objectAt(fields, "message");
}

/** Of one answer there are several lines: each has the answer's own id. */
export function answerIdOf(line: SessionLine): string | undefined {
  return line.kind === "assistant" ? textAt(messageOfLine(line), "id") : undefined;
}

export function isBlock(type: string): (block: Json) => block is JsonObject {
  return (block): block is JsonObject => isJsonObject(block) && block["type"] === type;
}

export function blocksOf(line: Pick<SessionLine, "fields">, type: string): JsonObject[] {
  return listAt(messageOfLine(line), "content").filter(isBlock(type));
}

function kindOf(fields: JsonObject): LineKind {
  const type = fields["type"];
  if ((type !== "user" && type !== "assistant") || !isJsonObject(ownValue(fields, "message"))) return "other";
  const isResult = blocksOf({ fields }, "tool_result").length > 0;
  return type === "user" && fields["isMeta"] === true && !isResult ? "hidden" : type;
}

/** Throws `CORRUPT` for a turn that cannot become a message. */
export function toSessionLine({ number, value }: Line): SessionLine {
  const place = `line ${number}`;
  if (!isJsonObject(value)) throw refuse(place, "is not a record");
  const kind = kindOf(value);
  if (kind === "user" || kind === "assistant") assertReadable(value, `${place}.message.content`);
  const time = ownValue(value, "timestamp");
  const createdAt = toIso(time);
  if (kind !== "other" && createdAt === undefined && time !== undefined && time !== null && time !== "")
    throw refuse(`${place}.timestamp`, `is not a time: ${JSON.stringify(time).slice(0, 60)}`);
  return {
    number,
    fields: value,
    kind,
    uuid: textAt(value, "uuid") ?? "",
    parent: textAt(value, "parentUuid") ?? textAt(value, "logicalParentUuid"),
    sessionId: textAt(value, "sessionId"),
    isSidechain: value["isSidechain"] === true,
    createdAt,
  };
}

function assertReadable(fields: JsonObject, place: string): void {
  const content = ownValue(objectAt(fields, "message"), "content");
  if (typeof content !== "string" && !Array.isArray(content))
    throw refuse(place, "is neither a text nor a list of blocks");
  for (const call of blocksOf({ fields }, "tool_use"))
    if (
      textAt(call, "id") === undefined ||
      textAt(call, "name") === undefined ||
      !isJsonObject(ownValue(call, "input"))
    )
      throw refuse(place, "has a tool_use without id, name and input");
  for (const result of blocksOf({ fields }, "tool_result"))
    if (textAt(result, "tool_use_id") === undefined) throw refuse(place, "has a tool_result without tool_use_id");
}
