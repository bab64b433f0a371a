/** What a line holds of content, and what it says beyond that. Pure. */
import { isJsonObject, type Json, type JsonObject } from "../../../model/json.js";
import { unlessEmpty, without } from "../imported.js";
import type { SessionLine } from "./line.js";

export function isPlainText(block: Json): boolean {
  return (
    isJsonObject(block) &&
    block["type"] === "text" &&
    typeof block["text"] === "string" &&
    Object.keys(block).length === 2
  );
}

/** One text as text, several as blocks. */
export function asContent(blocks: readonly JsonObject[]): Json {
  const [only, ...more] = blocks;
  if (more.length === 0 && (only === undefined || isPlainText(only))) return only?.["text"] ?? "";
  return blocks;
}

/** What a line says beyond what every line says, and beyond what the message holds in places of its own. */
export function sourceOf(line: SessionLine, session: JsonObject, message: JsonObject): JsonObject {
  const own = without(line.fields, ["message", "uuid", ...Object.keys(session)]);
  return { ...own, ...unlessEmpty("message", message) };
}
