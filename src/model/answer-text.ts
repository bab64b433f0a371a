/**
 * What was added to a conversation between two of its states, in the order in which a person would have heard it: the
 * text of answers as it grew, and messages as they joined. Each text once, however many states were skipped. Pure.
 */
import { isStreaming, messagesOf, streamingOf, textOf, type State } from "./conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";

export interface HeardText {
  readonly kind: "text";
  readonly text: string;
  /** Of the answer; null where it was begun without an id. */
  readonly messageId: string | null;
  /** Bytes of the answer's text, as UTF-8, before this one. */
  readonly position: number;
}

export type Heard =
  /** Of the answer being told, or of one that joined since. */
  | HeardText
  /** A message joined; an answer's text was heard before it. */
  | { readonly kind: "message"; readonly role: string; readonly messageId: string | null; readonly text: string }
  /** The answer being told began anew: what was heard of it does not count. */
  | { readonly kind: "restart" };

function partialOf(state: State): string | undefined {
  return isStreaming(state) ? textOf(ownValue(streamingOf(state), "partialResponse")) : undefined;
}

function textAt(object: JsonObject, key: string): string | null {
  const value = ownValue(object, key);
  return typeof value === "string" ? value : null;
}

function idOf(message: Json): string | null {
  return isJsonObject(message) ? textAt(message, "id") : null;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

function bytesOf(unit: number, before: number): number {
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  // The second half of a pair that makes four bytes, three of which the first half was counted as.
  return isLowSurrogate(unit) && isHighSurrogate(before) ? 1 : 3;
}

/** Bytes that `text` adds as UTF-8 behind what ends with the code unit `before`. */
export function utf8Length(text: string, before = 0): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1)
    bytes += bytesOf(text.charCodeAt(index), index === 0 ? before : text.charCodeAt(index - 1));
  return bytes;
}

/** Follows one conversation from state to state. */
export class AnswerText {
  readonly #seen = new Set<string>();
  #messages: readonly Json[] = [];
  /** What was heard of the answer being told, and its bytes. */
  #heard = "";
  #bytes = 0;
  #lastUnit = 0;
  #id: string | null = null;

  /** What stands in the first state was said before; the answer being told is heard from its beginning. */
  begin(state: State): Heard[] {
    this.#remember(messagesOf(state));
    return this.#partial(state);
  }

  /** A token that was added to the answer being told, without looking at the whole. */
  token(text: string): Heard[] {
    return text === "" ? [] : [this.#hear(text)];
  }

  advance(state: State): Heard[] {
    const messages = messagesOf(state);
    if (messages === this.#messages) return this.#partial(state);
    const joined = this.#remember(messages).flatMap((message) => this.#join(message));
    return [...joined, ...this.#partial(state)];
  }

  #hear(text: string): HeardText {
    const position = this.#bytes;
    this.#bytes += utf8Length(text, this.#lastUnit);
    this.#lastUnit = text.charCodeAt(text.length - 1);
    this.#heard += text;
    return { kind: "text", text, messageId: this.#id, position };
  }

  #forget(id: string | null): void {
    this.#id = id;
    this.#heard = "";
    this.#bytes = 0;
    this.#lastUnit = 0;
  }

  /** The messages that were never here before. */
  #remember(messages: readonly Json[]): Json[] {
    this.#messages = messages;
    return messages.filter((message, index) => {
      const key = idOf(message) ?? `#${index}`;
      if (this.#seen.has(key)) return false;
      this.#seen.add(key);
      return true;
    });
  }

  #join(message: Json): Heard[] {
    const role = isJsonObject(message) ? textOf(ownValue(message, "role")) : "";
    const text = isJsonObject(message) ? textOf(ownValue(message, "content")) : "";
    const joined = { kind: "message", role, messageId: idOf(message), text } as const;
    if (role !== "assistant") return [joined];
    // Another writer's, put there in the middle of this one.
    if (this.#id !== null && this.#id !== joined.messageId)
      return [...new AnswerText().#become(joined.messageId, text), joined];
    const heard = this.#become(joined.messageId, text);
    this.#forget(null);
    return [...heard, joined];
  }

  #partial(state: State): Heard[] {
    const partial = partialOf(state);
    const id = textAt(streamingOf(state), "messageId");
    if (partial !== undefined) return this.#become(id, partial);
    this.#forget(null);
    return [];
  }

  /** The answer being told is now this one. */
  #become(id: string | null, text: string): Heard[] {
    const goesOn = text.startsWith(this.#heard) && (this.#id === null || id === null || this.#id === id);
    const restart: Heard[] = this.#heard !== "" && !goesOn ? [{ kind: "restart" }] : [];
    if (!goesOn) this.#forget(id);
    this.#id = id;
    const rest = text.slice(this.#heard.length);
    return rest === "" ? restart : [...restart, this.#hear(rest)];
  }
}
