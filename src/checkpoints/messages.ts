/** Messages of a graph's state as those of a conversation, for reading: LangChain's serialised form is read as data. Pure. */
import { isDraftstateError } from "../errors.js";
import { migrateMessage } from "../model/migrations/001-from-draft.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import type { Partial } from "./streams.js";

const SHOWN = ["id", "role", "content", "status", "toolCalls", "toolCallId"] as const;

/** What is not a message of a known form stays as it is. */
export function messagesFrom(values: JsonObject): readonly Json[] {
  const messages = ownValue(values, "messages");
  return Array.isArray(messages) ? (messages as readonly Json[]).map(messageFrom) : [];
}

/** The message at a place of the list. */
export function messageFrom(original: Json, index: number): Json {
  try {
    const message = migrateMessage(original, `messages.${index}`, { id: `m${index + 1}`, createdAt: "" });
    const known = SHOWN.flatMap((field) => {
      const value = ownValue(message, field);
      return value === undefined ? [] : [[field, value] as const];
    });
    return { ...Object.fromEntries(known), ...(wasInterrupted(message) ? { status: "interrupted" } : {}) };
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT")) return original;
    throw error;
  }
}

/** Kept of an answer that was cut off. */
function wasInterrupted(message: JsonObject): boolean {
  const metadata = ownValue(message, "response_metadata");
  const own = isJsonObject(metadata) ? ownValue(metadata, "draftstate") : undefined;
  return isJsonObject(own) && own["status"] === "interrupted";
}

/** An answer that no node has written. */
export function messageOfPartial(
  { message, text, startedAt }: Partial,
  status: "streaming" | "interrupted",
): JsonObject {
  return { id: message, role: "assistant", content: text, createdAt: new Date(startedAt).toISOString(), status };
}
