/** What a piece of a model's answer holds, whatever its form: text, text in blocks, parts of tool calls. */
import type { Json } from "../model/json.js";

export interface ChunkContent {
  /** The message's own id, where the provider gives one. */
  readonly id: string | undefined;
  readonly text: string;
  readonly calls: readonly Json[];
}

type Fields = Readonly<Record<string, unknown>>;

/** `token` is the text where there is no message. */
export function contentOf(token: string, event: unknown): ChunkContent {
  const message = fieldOf(fieldOf(event, "chunk"), "message");
  if (message === undefined) return { id: undefined, text: token, calls: [] };
  const [id, calls] = [fieldOf(message, "id"), fieldOf(message, "tool_call_chunks")];
  return {
    id: typeof id === "string" && id !== "" ? id : undefined,
    text: textOf(fieldOf(message, "content")),
    calls: Array.isArray(calls) ? calls.map(plainCall) : [],
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: unknown) => (fieldOf(block, "type") === "text" ? fieldOf(block, "text") : ""))
    .filter((text) => typeof text === "string")
    .join("");
}

/** The fields that a tool call has while it streams. */
function plainCall(call: unknown): Json {
  const fields = ["index", "id", "name", "args"] as const;
  return Object.fromEntries(
    fields.flatMap((name): [string, Json][] => {
      const value = fieldOf(call, name);
      return typeof value === "string" || typeof value === "number" ? [[name, value]] : [];
    }),
  );
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Fields)[name] : undefined;
}
