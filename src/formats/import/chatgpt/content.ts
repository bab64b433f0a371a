/** Content of a ChatGPT message → ours: text as text; several parts, or pictures among them, as blocks. Pure. */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { listAt, textAt } from "../imported.js";

export interface ReadContent {
  readonly content: Json;
  /** Nothing of it needs to be kept elsewhere. */
  readonly isWhole: boolean;
}

export function contentOf(content: JsonObject): ReadContent {
  const parts = ownValue(content, "parts");
  if (!Array.isArray(parts)) return { content: textOf(content), isWhole: false };
  const [only, ...more] = parts as readonly Json[];
  const isText = more.length === 0 && (only === undefined || typeof only === "string");
  return { content: isText ? (only ?? "") : (parts as readonly Json[]).map(toBlock), isWhole: isPlain(content) };
}

function textOf(content: JsonObject): string {
  const text = textAt(content, "text") ?? textAt(content, "result") ?? textAt(content, "content");
  const thoughts = listAt(content, "thoughts").map((thought) =>
    isJsonObject(thought) ? (textAt(thought, "content") ?? textAt(thought, "summary") ?? "") : "",
  );
  return text ?? thoughts.join("\n\n");
}

function isPlain(content: JsonObject): boolean {
  const type = ownValue(content, "content_type");
  return (
    (type === "text" || type === "multimodal_text") &&
    Object.keys(content).every((key) => key === "content_type" || key === "parts")
  );
}

function toBlock(part: Json): JsonObject {
  if (typeof part === "string") return { type: "text", text: part };
  if (!isJsonObject(part)) return { type: "json", value: part };
  return { type: textAt(part, "content_type") ?? "unknown", ...part };
}
