/**
 * What was added to a conversation between two of its states, in the order in which a person would have heard it: the
 * text of answers as it grew, and messages as they joined. Each text once, however many states were skipped. Pure.
 */
import { isStreaming, messagesOf, streamingOf, textOf, type State } from "./conversation.js";
import { isJsonObject, ownValue, type Json } from "./json.js";

export type Heard =
  /** Of the answer being told, or of one that joined since. */
  | { readonly kind: "text"; readonly text: string }
  /** A message joined; an answer's text was heard before it. */
  | { readonly kind: "message"; readonly role: string; readonly messageId: string | null; readonly text: string }
  /** The answer being told began anew: what was heard of it does not count. */
  | { readonly kind: "restart" };

function partialOf(state: State): string | undefined {
  return isStreaming(state) ? textOf(ownValue(streamingOf(state), "partialResponse")) : undefined;
}

function idOf(message: Json): string | null {
  const id = isJsonObject(message) ? ownValue(message, "id") : undefined;
  return typeof id === "string" ? id : null;
}

/** Follows one conversation from state to state. */
export class AnswerText {
  readonly #seen = new Set<string>();
  #messages: readonly Json[] = [];
  /** What was heard of the answer being told. */
  #heard = "";

  /** What stands in the first state was said before; the answer being told is heard from its beginning. */
  begin(state: State): Heard[] {
    this.#remember(messagesOf(state));
    return this.#partial(state);
  }

  /** A token that was added to the answer being told, without looking at the whole. */
  token(text: string): Heard[] {
    this.#heard += text;
    return text === "" ? [] : [{ kind: "text", text }];
  }

  advance(state: State): Heard[] {
    const messages = messagesOf(state);
    if (messages === this.#messages) return this.#partial(state);
    const joined = this.#remember(messages).flatMap((message) => this.#join(message));
    return [...joined, ...this.#partial(state)];
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
    const joined: Heard = { kind: "message", role, messageId: idOf(message), text };
    if (role !== "assistant") return [joined];
    const before = this.#heard;
    this.#heard = "";
    const restart: Heard[] = before !== "" && !text.startsWith(before) ? [{ kind: "restart" }] : [];
    const rest = restart.length > 0 ? text : text.slice(before.length);
    return [...restart, ...(rest === "" ? [] : [{ kind: "text", text: rest } as const]), joined];
  }

  #partial(state: State): Heard[] {
    const partial = partialOf(state);
    const before = this.#heard;
    this.#heard = partial ?? "";
    if (partial === undefined || partial === before) return [];
    if (partial.startsWith(before)) return [{ kind: "text", text: partial.slice(before.length) }];
    return partial === "" ? [{ kind: "restart" }] : [{ kind: "restart" }, { kind: "text", text: partial }];
  }
}
