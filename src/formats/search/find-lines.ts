/** The lines of a conversation that have what is looked for: of its messages, their tool calls, and the answer being told. */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { shownMessages } from "../../model/shown.js";
import { textField, toolCalls } from "../words.js";
import type { Hit, LineMatcher } from "./matcher.js";

export interface LineMatch {
  /** From 0, in the list of messages; the answer being told comes after the last. */
  readonly messageIndex: number;
  readonly messageId: string | null;
  readonly role: string;
  /** From 1, within the text of the message. */
  readonly line: number;
  /** From 1, of the first hit, in UTF-16 code units. */
  readonly column: number;
  readonly text: string;
  readonly hits: readonly Hit[];
}

/** A text of its own for each block: what is not one text is not searched as one. */
function textsOf(message: JsonObject, { reasoning }: Searched): string[] {
  const content = ownValue(message, "content");
  const blocks = typeof content === "string" ? [content] : Array.isArray(content) ? (content as readonly Json[]) : [];
  return [
    ...blocks.map((block) => (typeof block === "string" ? block : textField(block, "text"))),
    ...toolCalls(message).flatMap(textsOfCall),
    ...(reasoning === undefined ? [] : [textField(message, "reasoning")]),
  ];
}

function textsOfCall(call: Json): string[] {
  return [textField(call, "name"), ...leaves(isJsonObject(call) ? (ownValue(call, "args") ?? null) : null)];
}

function leaves(value: Json): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values<Json>(value as JsonObject).flatMap(leaves) : [];
}

function matchesIn(message: Json, messageIndex: number, matcher: LineMatcher, searched: Searched): LineMatch[] {
  if (!isJsonObject(message)) return [];
  const [id, role] = [textField(message, "id"), textField(message, "role")];
  const lines = textsOf(message, searched).flatMap((text) => text.split(/\r?\n/));
  return lines.flatMap((text, index) => {
    const hits = matcher.find(text);
    const [first] = hits;
    return first === undefined
      ? []
      : [
          {
            messageIndex,
            messageId: id === "" ? null : id,
            role,
            line: index + 1,
            column: first.start + 1,
            text,
            hits,
          },
        ];
  });
}

/** Which messages, and what else of them than their text and their calls. */
export interface Searched {
  readonly role?: string | undefined;
  readonly reasoning?: "too" | undefined;
}

export function findLines(state: JsonObject, matcher: LineMatcher, searched: Searched = {}): LineMatch[] {
  const { role } = searched;
  return shownMessages(state).flatMap((message, index) =>
    role === undefined || textField(message, "role") === role ? matchesIn(message, index, matcher, searched) : [],
  );
}
